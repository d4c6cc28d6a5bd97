// A queueing station of c servers and one bounded queue, first come, first served. Service is
// virtual: when a request comes, its start and end are known, for nothing that comes later changes
// them (Kiefer and Wolfowitz, 1955). So c servers need no c cores, and late timers do not add up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <vector>

#include "clock.h"
#include "ring.h"
#include "stall.h"

namespace redline {

class Station {
 public:
  static constexpr uint64_t kUnbounded = std::numeric_limits<uint64_t>::max();

  struct Slot {
    Nanoseconds start = 0;
    Nanoseconds end = 0;
  };

  Station(uint32_t servers, uint64_t most_waiting, Stall stall)
      : most_waiting_(most_waiting), stall_(stall), free_(std::greater<>(), std::vector<Nanoseconds>(servers, 0)) {}

  // Arrivals come in the order of their times. Nothing: all servers are busy and the queue is full.
  std::optional<Slot> admit(Nanoseconds arrival, Nanoseconds work) {
    while (!starts_.empty() && starts_.front() <= arrival) starts_.pop_front();
    const Nanoseconds start = stall_.resume(std::max(arrival, free_.top()));
    if (start > arrival) {
      if (starts_.size() >= most_waiting_) return {};
      starts_.push_back(start);
    }
    const Slot slot{start, stall_.finish(start, work)};
    free_.pop();
    free_.push(slot.end);
    return slot;
  }

 private:
  const uint64_t most_waiting_;
  const Stall stall_;
  std::priority_queue<Nanoseconds, std::vector<Nanoseconds>, std::greater<>> free_;  // when each server is
  Ring<Nanoseconds> starts_;  // of those that wait, in order
};

}  // namespace redline
