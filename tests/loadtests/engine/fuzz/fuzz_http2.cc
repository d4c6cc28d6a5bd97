// Answers over HTTP/2. A valid SETTINGS frame comes first: without it no request begins.
#include "fuzz_session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  constexpr std::string_view settings("\x09\0\0\0\4\0\0\0\0\0", 10);
  const std::string data =
      std::string(settings) + std::string(reinterpret_cast<const char*>(bytes), size);
  static const redline::Target target = redline::fuzz_target(redline::Protocol::grpc);
  redline::FuzzSession(target).run(data);
  return 0;
}
