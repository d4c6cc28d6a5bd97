// HTTP/1.1 with kept-alive connections, one request at a time: servers here do not pipeline.
#pragma once

#include "http1_parser.h"
#include "session.h"

namespace redline {

class Http1 final : public Session, private Http1Parser::Events {
 public:
  Http1(const Target& target, SessionEvents& events);

  uint32_t capacity() const override { return leaving_ ? 0 : 1; }
  bool ready() const override { return true; }
  bool begin(Request& request) override;
  void produce(Output& out) override;
  bool receive(std::string_view bytes) override;
  void peer_closed() override;
  bool cancel(Request&) override { return false; }
  bool finished() const override { return leaving_ && request_ == nullptr; }

 private:
  void on_status(int status) override;
  void on_body(std::string_view bytes) override;
  void on_complete() override;
  Outcome judge() const;

  const Target& target_;
  SessionEvents& events_;
  std::string head_;  // of every request, up to the length of its body
  std::string length_;
  Http1Parser parser_;
  Request* request_ = nullptr;
  bool unwritten_ = false;
  bool leaving_ = false;
};

}  // namespace redline
