// What one thread counted in one window of one phase. Plain data: merging is adding.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "histogram.h"
#include "outcome.h"

namespace redline {

// Which span of a request's life; the words are those of docs/design.md.
enum Time { kSlotWait, kGeneratorLag, kService, kResponse, kTimes };

class Tally {
 public:
  void add(Outcome outcome, uint64_t count = 1);
  void add(const Tally& other);
  void clear() { kinds_.clear(); }
  const std::vector<std::pair<Outcome, uint64_t>>& kinds() const { return kinds_; }

 private:
  static constexpr size_t kMostKinds = 64;  // a server that invents codes must not fill the memory
  std::vector<std::pair<Outcome, uint64_t>> kinds_;
};

struct Counts {
  uint64_t due = 0;
  uint64_t sent = 0;
  uint64_t right = 0;
  uint64_t unsent = 0;
  uint64_t answer_bytes = 0;
  Tally wrong;
  std::array<std::array<Histogram, kTimes>, 2> times;  // [0] of wrong answers, [1] of right ones

  bool empty() const;
  void add(const Counts& other);
  void clear();
};

}  // namespace redline
