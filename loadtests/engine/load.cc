#include "load.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace redline {

void ClosedLoop::set(Nanoseconds now, uint64_t users, Nanoseconds think, Nanoseconds gap) {
  wanted_ = users;
  think_ = think;
  gap_ = gap;
  retire_thinking();
  for (; present_ < wanted_; ++present_) due_.push(now);
}

void ClosedLoop::retire_thinking() {
  while (present_ > wanted_ && !due_.empty()) {
    due_.pop();
    --present_;
  }
}

void ClosedLoop::ended(Nanoseconds now) {
  if (present_ > wanted_) {
    --present_;
  } else {
    due_.push(now + think_);
  }
}

void OpenLoop::set(Nanoseconds now, double rate, Arrivals arrivals, double offset) {
  const double old_gap = mean_gap_;
  const bool at_rate = next_ != kNever && !schedule_;
  const double left = at_rate ? std::max(0.0, static_cast<double>(next_ - now)) : -1;
  schedule_.reset();
  arrivals_ = arrivals;
  mean_gap_ = rate > 0 ? 1e9 / rate : 0;
  if (mean_gap_ == 0) {
    next_ = kNever;
    return;
  }
  base_ = now;
  if (arrivals_ == Arrivals::poisson) {
    next_exact_ = gap();  // memoryless: what has passed does not matter
  } else {
    const double share = left < 0 ? offset : std::min(1.0, left / old_gap);
    next_exact_ = share * mean_gap_;
  }
  next_ = base_ + static_cast<Nanoseconds>(next_exact_);
}

double OpenLoop::gap() {
  return arrivals_ == Arrivals::poisson ? random_.exponential(mean_gap_) : mean_gap_;
}

void OpenLoop::follow(Nanoseconds now, Schedule schedule, size_t number, size_t step) {
  mean_gap_ = 0;
  base_ = now;
  schedule_ = std::move(schedule);
  number_ = number;
  step_ = step;
  next_ = scheduled();
}

Nanoseconds OpenLoop::scheduled() const {
  return number_ < schedule_->size() ? base_ + (*schedule_)[number_] : kNever;
}

void OpenLoop::pop() {
  if (schedule_) {
    number_ += step_;
    next_ = scheduled();
    return;
  }
  next_exact_ += gap();
  next_ = base_ + static_cast<Nanoseconds>(next_exact_);
}

}  // namespace redline
