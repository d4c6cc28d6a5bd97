#include "outcome.h"

#include <array>

namespace redline {
namespace {

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
constexpr std::array kGrpcNames = {
    "OK",           "CANCELLED",           "UNKNOWN",           "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
    "NOT_FOUND",    "ALREADY_EXISTS",      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED",      "OUT_OF_RANGE",      "UNIMPLEMENTED",    "INTERNAL",
    "UNAVAILABLE",  "DATA_LOSS",           "UNAUTHENTICATED",
};

std::string grpc_name(uint16_t code) {
  const std::string number = "grpc " + std::to_string(code);
  return code < kGrpcNames.size() ? number + " " + kGrpcNames[code] : number;
}

}  // namespace

std::string name_of(Outcome outcome) {
  switch (outcome.kind) {
    case Kind::right: return "ok";
    case Kind::wrong_answer: return "wrong answer";
    case Kind::http: return "http " + std::to_string(outcome.code);
    case Kind::grpc: return grpc_name(outcome.code);
    case Kind::timeout: return "timeout";
    case Kind::reset: return "reset";
    case Kind::connect: return "connect";
    case Kind::protocol: return "protocol";
    case Kind::unfinished: return "unfinished";
    case Kind::other: break;
  }
  return "other";
}

}  // namespace redline
