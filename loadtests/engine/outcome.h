// How a request ended, and the word for it in every report: "http 503", "grpc 14 UNAVAILABLE".
#pragma once

#include <cstdint>
#include <string>

namespace redline {

enum class Kind : uint16_t {
  right,
  wrong_answer,
  http,
  grpc,
  timeout,
  reset,
  connect,
  protocol,
  unfinished,  // still in flight when the drain ended
  other,       // kinds beyond the number that is told apart
};

struct Outcome {
  Kind kind = Kind::right;
  uint16_t code = 0;  // of http and grpc

  bool right() const { return kind == Kind::right; }
  bool operator==(const Outcome&) const = default;
};

std::string name_of(Outcome outcome);

}  // namespace redline
