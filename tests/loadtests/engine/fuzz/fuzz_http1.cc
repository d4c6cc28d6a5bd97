// Answers over HTTP/1.1: the parser must take the same bytes in any pieces to the same end.
#include "fuzz_session.h"
#include "http1_parser.h"

namespace {

struct Recorder final : redline::Http1Parser::Events {
  void on_status(int got) override { status = got; }
  void on_body(std::string_view bytes) override { body.append(bytes); }
  void on_complete() override { ++completed; }
  bool operator==(const Recorder& other) const {
    return status == other.status && body == other.body && completed == other.completed;
  }
  int status = 0;
  int completed = 0;
  std::string body;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  Recorder whole;
  Recorder dripped;
  redline::Http1Parser at_once(whole);
  redline::Http1Parser by_byte(dripped);
  const size_t taken = at_once.feed(data);
  redline::require(taken <= size);
  size_t position = 0;
  while (position < size && by_byte.feed(data.substr(position, 1)) == 1) ++position;
  redline::require(at_once.fault() == by_byte.fault());
  redline::require(at_once.close() == by_byte.close());
  if (at_once.fault().empty()) {
    redline::require(whole == dripped && taken == position);
    redline::require(at_once.keep_alive() == by_byte.keep_alive());
  }
  static const redline::Target target = redline::fuzz_target(redline::Protocol::http1);
  redline::FuzzSession(target).run(data);
  return 0;
}
