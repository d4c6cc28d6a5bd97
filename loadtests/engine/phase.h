// A phase of the run, such as "warmup" or "measure". A request belongs to the phase in which it
// was due, however late its answer comes: that is what keeps a warmup out of a measurement.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clock.h"
#include "counts.h"
#include "wire.h"

namespace redline {

struct Phase {
  uint32_t number = 0;
  std::string tag;
  Nanoseconds start = 0;
  uint64_t open = 0;  // its requests that are queued or in flight
  std::unique_ptr<Counts> counts = std::make_unique<Counts>();
};

// What one thread hands over at the end of one window.
struct Cut {
  struct Part {
    uint32_t phase = 0;
    std::string tag;
    std::unique_ptr<Counts> counts;  // null: nothing was counted
  };
  uint64_t number = 0;
  uint32_t thread = 0;
  bool asked = false;  // by the engine, at the end of a drain
  Nanoseconds start = 0;
  Nanoseconds end = 0;
  Nanoseconds cpu = 0;       // CPU time of the thread in this window
  Nanoseconds run_queue = 0; // time it was ready to run and had no core
  int64_t turns = 0;         // how often it was given a core
  uint64_t in_flight = 0;    // at the window's end
  uint64_t queued = 0;
  View view{};  // the connections, at the window's end
  std::vector<Part> parts{};
};

}  // namespace redline
