// When requests fall due. Arithmetic only: reads no clock and touches no socket.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "clock.h"
#include "random.h"

namespace redline {

enum class Arrivals { constant, poisson };

// When each request falls due, from the start on; ascending.
using Schedule = std::shared_ptr<const std::vector<Nanoseconds>>;

// Closed loop: `users` virtual users, each due again `think` after its last request ended, but no
// two of them closer together than `gap`.
class ClosedLoop {
 public:
  void set(Nanoseconds now, uint64_t users, Nanoseconds think, Nanoseconds gap = 0);
  // A user's request ended; the user is due again, or leaves when there are too many.
  void ended(Nanoseconds now);
  Nanoseconds next() const { return due_.empty() ? kNever : std::max(due_.top(), earliest_); }
  void pop() {
    earliest_ = next() + gap_;
    due_.pop();
  }

 private:
  void retire_thinking();

  uint64_t wanted_ = 0;
  uint64_t present_ = 0;
  Nanoseconds think_ = 0;
  Nanoseconds gap_ = 0;
  Nanoseconds earliest_ = 0;
  std::priority_queue<Nanoseconds, std::vector<Nanoseconds>, std::greater<>> due_;
};

// Open loop: requests fall due at a rate, whatever the server does.
class OpenLoop {
 public:
  explicit OpenLoop(uint64_t seed) : random_(seed) {}

  // From `now` on at `rate` per second; 0 stops. `offset` in [0, 1) shifts constant arrivals by a
  // part of their gap, so that several threads do not clump. A change keeps the part of the gap
  // that has passed: no gap and no burst.
  void set(Nanoseconds now, double rate, Arrivals arrivals, double offset);
  // From `now` on as the schedule says, of which `number` and each `step` after it are taken.
  void follow(Nanoseconds now, Schedule schedule, size_t number, size_t step);
  Nanoseconds next() const { return next_; }
  void pop();

 private:
  double gap();
  Nanoseconds scheduled() const;

  Random random_;
  Arrivals arrivals_ = Arrivals::constant;
  double mean_gap_ = 0;  // ns; 0 while stopped
  double next_exact_ = 0;  // ns after base_: fractions of a nanosecond add up at high rates
  Nanoseconds base_ = 0;
  Nanoseconds next_ = kNever;
  Schedule schedule_;  // none: at a rate
  size_t number_ = 0;
  size_t step_ = 1;
};

}  // namespace redline
