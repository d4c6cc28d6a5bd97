#include "cutter.h"

#include <algorithm>
#include <utility>

namespace redline {

Cutter::Cutter(uint32_t thread, Nanoseconds window, std::string phase)
    : thread_(thread), window_(window) {
  phases_.push_back(std::make_unique<Phase>());
  phases_.back()->tag = std::move(phase);
}

void Cutter::start(Nanoseconds first_window) {
  start_ = first_window;
  next_grid_ = first_window + window_;
}

Phase& Cutter::phase_of(Nanoseconds due) {
  for (size_t index = phases_.size(); index-- > 1;) {
    if (phases_[index]->start <= due) return *phases_[index];
  }
  return *phases_.front();
}

Cut Cutter::cut(uint64_t in_flight, uint64_t queued, const View& view, WorkerEvents& events) {
  const Nanoseconds end = std::max(next(), start_);
  const bool asked = !boundaries_.empty() && boundaries_.front().when <= end;
  const ThreadTimes::Spent spent = times_->lap();
  Cut cut{.number = number_++,
          .thread = thread_,
          .start = start_,
          .end = end,
          .cpu = spent.cpu,
          .run_queue = spent.run_queue,
          .turns = spent.turns,
          .in_flight = in_flight,
          .queued = queued,
          .view = view,
          .parts = take_parts(events)};
  start_ = end;
  next_grid_ = (asked ? end : next_grid_) + window_;
  if (asked) {
    const Boundary boundary = std::move(boundaries_.front());
    boundaries_.pop();
    cut.asked = !boundary.begins;
    if (boundary.begins) begin_phase(boundary);
  }
  retire_phases();
  return cut;
}

// The current phase always; an older one where answers to it came late. Where nothing was counted
// nothing is handed over: a thread that had no core for long has many such windows to cut, and must
// cut them faster than time passes.
std::vector<Cut::Part> Cutter::take_parts(WorkerEvents& events) {
  std::vector<Cut::Part> parts;
  for (auto& phase : phases_) {
    const bool empty = phase->counts->empty();
    if (empty && phase != phases_.back()) continue;
    auto& part = parts.emplace_back(Cut::Part{phase->number, phase->tag, nullptr});
    if (!empty) part.counts = std::exchange(phase->counts, events.fresh_counts());
  }
  return parts;
}

void Cutter::begin_phase(const Boundary& boundary) {
  const uint32_t number = phases_.back()->number + 1;
  auto& phase = phases_.emplace_back(std::make_unique<Phase>());
  phase->number = number;
  phase->tag = *boundary.begins;
  phase->start = boundary.when;
}

// The last but one stays: a request may yet fall due before the boundary, when this thread is late.
void Cutter::retire_phases() {
  while (phases_.size() > 2 && phases_.front()->open == 0 && phases_.front()->counts->empty()) {
    phases_.erase(phases_.begin());
  }
}

}  // namespace redline
