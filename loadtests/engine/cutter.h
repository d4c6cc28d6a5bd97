// Cuts what one thread counts into windows and phases, at the same moments in every thread.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "clock.h"
#include "phase.h"
#include "thread_times.h"
#include "worker_events.h"

namespace redline {

// A window's end that the engine asked for, beside those of the grid.
struct Boundary {
  Nanoseconds when = 0;
  std::optional<std::string> begins{};  // the tag of a phase; none at the end of a drain
};

class Cutter {
 public:
  Cutter(uint32_t thread, Nanoseconds window, std::string phase);

  void start(Nanoseconds first_window);
  // The calling thread is the one whose time the cuts tell.
  void measure_this_thread() { times_.emplace(); }
  // Boundaries come in the order of their times.
  void ask(Boundary boundary) { boundaries_.push(std::move(boundary)); }

  // When the window that is under way ends, as far as is known.
  Nanoseconds next() const {
    return boundaries_.empty() ? next_grid_ : std::min(next_grid_, boundaries_.front().when);
  }
  // Whether a boundary that was asked for is among those until `now`.
  bool asked_until(Nanoseconds now) const {
    return !boundaries_.empty() && boundaries_.front().when <= now;
  }
  // Ends it there.
  Cut cut(uint64_t in_flight, uint64_t queued, const View& view, WorkerEvents& events);
  // The phase that a request belongs to; it lives while it has open requests.
  Phase& phase_of(Nanoseconds due);

 private:
  std::vector<Cut::Part> take_parts(WorkerEvents& events);
  void begin_phase(const Boundary& boundary);
  void retire_phases();

  const uint32_t thread_;
  const Nanoseconds window_;
  std::optional<ThreadTimes> times_;
  std::vector<std::unique_ptr<Phase>> phases_;
  std::queue<Boundary> boundaries_;
  uint64_t number_ = 0;
  Nanoseconds start_ = 0;
  Nanoseconds next_grid_ = kNever;
};

}  // namespace redline
