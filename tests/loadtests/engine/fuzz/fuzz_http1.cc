// HTTP/1.1: the parser must take the same bytes in any pieces to the same end, as answers and as
// requests.
#include "fuzz_session.h"
#include "http1_parser.h"

namespace {

struct Recorder final : redline::Http1Parser::Events {
  void on_status(int got) override { status = got; }
  void on_method(std::string_view got) override { method = got; }
  void on_body(std::string_view bytes) override { body.append(bytes); }
  void on_complete() override { ++completed; }
  bool operator==(const Recorder& other) const {
    return status == other.status && method == other.method && body == other.body && completed == other.completed;
  }
  int status = 0;
  int completed = 0;
  std::string method;
  std::string body;
};

void parse(std::string_view data, redline::Http1Parser::Kind kind) {
  Recorder whole;
  Recorder dripped;
  redline::Http1Parser at_once(whole, kind);
  redline::Http1Parser by_byte(dripped, kind);
  const size_t taken = at_once.feed(data);
  redline::require(taken <= data.size());
  size_t position = 0;
  while (position < data.size() && by_byte.feed(data.substr(position, 1)) == 1) ++position;
  redline::require(at_once.fault() == by_byte.fault());
  redline::require(at_once.close() == by_byte.close());
  if (at_once.fault().empty()) {
    redline::require(whole == dripped && taken == position);
    redline::require(at_once.keep_alive() == by_byte.keep_alive());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  parse(data, redline::Http1Parser::Kind::answers);
  parse(data, redline::Http1Parser::Kind::requests);
  static const redline::Target target = redline::fuzz_target(redline::Protocol::http1);
  redline::FuzzSession(target).run(data);
  return 0;
}
