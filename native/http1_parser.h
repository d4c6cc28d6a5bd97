// Reads HTTP/1.1 answers or requests off a byte stream (RFC 9112), in pieces of any size, with
// bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redline {

class Http1Parser {
 public:
  static constexpr size_t kMostHead = 32 << 10;  // of one head, or of one chunk's line or trailers

  enum class Kind { answers, requests };

  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_status(int) {}               // of an answer
    virtual void on_method(std::string_view) {}  // of a request
    virtual void on_body(std::string_view bytes) = 0;
    virtual void on_complete() = 0;
  };

  explicit Http1Parser(Events& events, Kind kind = Kind::answers) : events_(events), kind_(kind) {}

  // Takes bytes of one message, and returns how many; fewer than given only when the message is
  // complete, or on a fault.
  size_t feed(std::string_view bytes);
  // The peer closed. True where that completes the message.
  bool close();
  // Ready for the next message.
  void reset();

  bool started() const { return state_ != State::head || !line_.empty(); }
  bool complete() const { return state_ == State::complete; }
  // Whether the connection can carry another message.
  bool keep_alive() const { return keep_alive_; }
  const std::string& fault() const { return fault_; }

 private:
  enum class State { head, sized, until_close, chunk_size, chunk, chunk_end, trailer, complete, failed };

  size_t head(std::string_view bytes);
  size_t body(std::string_view bytes);
  size_t line(std::string_view bytes);
  void on_head(std::string_view text);
  bool start_line(std::string_view line);
  bool status_line(std::string_view line);
  bool request_line(std::string_view line);
  void field(std::string_view line);
  void content_length(std::string_view value);
  void begin_body();
  void begin_answer();
  void begin_sized();
  void on_line(std::string_view text);
  void chunk_size(std::string_view text);
  void finish();
  void fail(const char* why);

  Events& events_;
  const Kind kind_;
  State state_ = State::head;
  std::string line_;  // an unfinished head or line
  std::string fault_;
  int status_ = 0;  // of an answer
  uint64_t left_ = 0;  // of the body or chunk
  size_t trailer_bytes_ = 0;
  bool sized_ = false;
  bool chunked_ = false;
  bool keep_alive_ = true;
};

}  // namespace redline
