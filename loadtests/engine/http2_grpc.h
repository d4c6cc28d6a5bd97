// gRPC unary calls over HTTP/2, on nghttp2, which does the framing, HPACK and flow control.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <vector>

#include "session.h"

namespace redline {

class Http2Grpc final : public Session {
 public:
  Http2Grpc(const Target& target, SessionEvents& events);

  uint32_t capacity() const override { return leaving_ ? 0 : capacity_; }
  bool ready() const override { return ready_; }
  bool begin(Request& request) override;
  void produce(Output& out) override;
  bool receive(std::string_view bytes) override;
  bool cancel(Request& request) override;
  bool finished() const override;

 private:
  friend struct Http2Callbacks;

  void on_header(Request& request, std::string_view name, std::string_view value);
  void on_data(Request& request, std::string_view bytes);
  void on_settings();
  void on_stream_closed(Request& request, uint32_t error_code);
  Outcome judge(Request& request, uint32_t error_code) const;
  Request* find(int32_t stream);

  const Target& target_;
  SessionEvents& events_;
  std::vector<nghttp2_nv> headers_;
  std::string authority_;
  std::string timeout_;
  std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_;
  Output* out_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t in_flight_ = 0;
  bool ready_ = false;  // its SETTINGS came
  bool leaving_ = false;
  bool broken_ = false;
  // nghttp2 calls back several times for each stream; this spares its hash table.
  int32_t last_stream_ = 0;
  Request* last_request_ = nullptr;
};

}  // namespace redline
