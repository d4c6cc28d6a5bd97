// What the server is asked to be, from its command line.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "law.h"
#include "stall.h"
#include "station.h"

namespace redline {

// One line for the user: which option, and what it should be.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  Law service;
  uint32_t servers = 1;
  uint64_t queue = Station::kUnbounded;  // how many may wait
  Stall stall;
  double error_ratio = 0;
  double wrong_ratio = 0;
  uint64_t seed = 0;
  uint16_t port = 0;  // 0: any that is free
  std::string answer;
  std::string log;    // a file's path; empty: none
};

// Throws UsageError.
Options parse_options(int count, char** arguments);

}  // namespace redline
