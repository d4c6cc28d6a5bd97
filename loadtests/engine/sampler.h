// A seeded, bounded sample of full answers: a reservoir for each window (Vitter's algorithm R).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "random.h"

namespace redline {

struct Sample {
  uint32_t body = 0;  // which request body it answers
  std::string phase;
  bool whole = true;  // false: only the first Answer::kSampleBytes
  std::string answer;
};

class Sampler {
 public:
  Sampler(uint64_t seed, uint32_t size) : random_(seed), size_(size) {}

  // Whether to keep the answer of the request that begins now: a few hundred in a million.
  bool choose() {
    ++seen_;
    return size_ > 0 && (seen_ <= size_ || random_.below(seen_) < size_);
  }

  void add(Sample sample) {
    if (kept_.size() < size_) {
      kept_.push_back(std::move(sample));
    } else {
      kept_[random_.below(size_)] = std::move(sample);
    }
  }

  // What was kept; a new reservoir begins.
  std::vector<Sample> take() {
    seen_ = 0;
    return std::exchange(kept_, {});
  }

 private:
  Random random_;
  uint64_t size_;
  uint64_t seen_ = 0;
  std::vector<Sample> kept_;
};

}  // namespace redline
