// Counts of microseconds in HdrHistogram's layout, so that its readers take them losslessly:
// 1 us to 10 min, 3 significant digits (Tene, "HdrHistogram", V2 encoding).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>

#include "clock.h"

namespace redline {

class Histogram {
 public:
  static constexpr uint64_t kHighestUs = 600'000'000;
  static constexpr int kDigits = 3;

  Histogram() : counts_(new uint32_t[kCounts]()) {}

  void record(Nanoseconds elapsed) {
    const uint64_t us = elapsed <= 0 ? 0 : static_cast<uint64_t>(elapsed + 500) / 1000;
    const uint32_t index = index_of(std::min(us, kHighestUs));
    counts_[index]++;
    lowest_ = std::min(lowest_, index);
    highest_ = std::max(highest_, index);
  }

  bool empty() const { return highest_ < lowest_; }
  uint64_t total() const;
  void add(const Histogram& other);
  void clear();

  // HdrHistogram's V2 payload, not compressed: a header, then ZigZag LEB128 counts and zero runs.
  std::string payload() const;

  static uint32_t index_of(uint64_t value) {
    const int bucket = 64 - std::countl_zero(value | (kSubBuckets - 1)) - kSubBucketBits;
    const auto sub_bucket = static_cast<uint32_t>(value >> bucket);
    return (static_cast<uint32_t>(bucket) << (kSubBucketBits - 1)) + sub_bucket;
  }

 private:
  static constexpr int kSubBucketBits = 11;  // 2 x 10^3 values, rounded up to a power of two
  static constexpr uint64_t kSubBuckets = 1 << kSubBucketBits;
  static constexpr uint32_t kBuckets = 20;  // the first with 2048 << (n - 1) above kHighestUs
  static constexpr uint32_t kCounts = (kBuckets + 1) * (kSubBuckets / 2);

  std::unique_ptr<uint32_t[]> counts_;
  uint32_t lowest_ = kCounts;
  uint32_t highest_ = 0;
};

}  // namespace redline
