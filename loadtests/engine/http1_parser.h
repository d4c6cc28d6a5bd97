// Reads HTTP/1.1 answers off a byte stream (RFC 9112), in pieces of any size, with bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redline {

class Http1Parser {
 public:
  static constexpr size_t kMostHead = 32 << 10;  // of one head, or of one chunk's line or trailers

  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_status(int status) = 0;
    virtual void on_body(std::string_view bytes) = 0;
    virtual void on_complete() = 0;
  };

  explicit Http1Parser(Events& events) : events_(events) {}

  // Takes bytes of one answer, and returns how many; fewer than given only when the answer is
  // complete, or on a fault.
  size_t feed(std::string_view bytes);
  // The peer closed. True where that completes the answer.
  bool close();
  // Ready for the next answer.
  void reset();

  bool started() const { return state_ != State::head || !line_.empty(); }
  bool complete() const { return state_ == State::complete; }
  // Whether the connection can carry another answer.
  bool keep_alive() const { return keep_alive_; }
  const std::string& fault() const { return fault_; }

 private:
  enum class State { head, sized, until_close, chunk_size, chunk, chunk_end, trailer, complete, failed };

  size_t head(std::string_view bytes);
  size_t body(std::string_view bytes);
  size_t line(std::string_view bytes);
  void on_head(std::string_view text);
  bool status_line(std::string_view line);
  void field(std::string_view line);
  void content_length(std::string_view value);
  void begin_body();
  void on_line(std::string_view text);
  void chunk_size(std::string_view text);
  void finish();
  void fail(const char* why);

  Events& events_;
  State state_ = State::head;
  std::string line_;  // an unfinished head or line
  std::string fault_;
  int status_ = 0;
  uint64_t left_ = 0;  // of the body or chunk
  size_t trailer_bytes_ = 0;
  bool sized_ = false;
  bool chunked_ = false;
  bool keep_alive_ = true;
};

}  // namespace redline
