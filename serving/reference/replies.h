// The bytes of each kind of answer, made once. They live as long as the server.
#pragma once

#include <array>
#include <string>

#include "call.h"

namespace redline {

struct Replies {
  explicit Replies(const std::string& answer);

  struct Http1 {
    std::string keep;   // the head where the connection stays
    std::string close;  // and where it does not
    std::string body;
  };

  std::array<Http1, kFates> http1;
  std::array<std::string, kFates> message;  // of gRPC, behind its prefix; empty for an error
};

}  // namespace redline
