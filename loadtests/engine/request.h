// One request in flight: the flat record of a hit, the same fields for every protocol.
#pragma once

#include <cstdint>

#include "answer.h"
#include "clock.h"

namespace redline {

class Connection;
struct Phase;

struct Request {
  // due <= slot free <= sent <= answered; see docs/design.md.
  Nanoseconds due = 0;
  Nanoseconds slot_free = 0;
  Nanoseconds sent = 0;
  Nanoseconds deadline = kNever;
  Phase* phase = nullptr;
  Connection* connection = nullptr;
  uint32_t body = 0;      // which of the target's bodies
  uint8_t refusals = 0;   // times the server said it never looked at it
  bool of_user = false;   // of the closed loop
  bool counted = false;   // its end is counted (timed out), its slot is not free yet
  Answer answer;

  // The session's own notes on the answer.
  struct {
    int32_t stream = 0;
    uint32_t prefix_bytes = 0;  // of gRPC's five
    uint32_t message_bytes = 0;
    uint32_t body_sent = 0;
    int16_t http_status = 0;
    int16_t grpc_status = -1;
    bool ended = false;
    bool malformed = false;
    bool unsent = false;
  } notes;

  // Neighbours among the requests in flight, in the order of their deadlines.
  Request* earlier = nullptr;
  Request* later = nullptr;
};

}  // namespace redline
