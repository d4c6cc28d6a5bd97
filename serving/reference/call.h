// One request, from its first byte to its answer's last.
#pragma once

#include <cstdint>

#include "clock.h"

namespace redline {

class Connection;

// What becomes of a request; also the log's numbers.
enum class Fate : uint8_t { right, wrong, error, rejected };
constexpr size_t kFates = 4;

struct Call {
  uint64_t number = 0;      // in the order of arrival
  Nanoseconds arrival = 0;  // the kernel had its last byte
  Nanoseconds start = 0;    // of its service, as scheduled
  Nanoseconds end = 0;
  Connection* connection = nullptr;  // null: the client has gone
  uint32_t stream = 0;      // of HTTP/2; of HTTP/1.1 the place in the connection's order, from 1
  Fate fate = Fate::right;
  bool head_only = false;   // HTTP/1.1's HEAD
  bool arrived = false;
  bool answered = false;    // wholly in the output, at least
  bool scheduled = false;   // among those that the server will answer at their end
  uint32_t body_sent = 0;

  // Neighbours among the connection's calls.
  Call* previous = nullptr;
  Call* next = nullptr;
};

}  // namespace redline
