// A small seeded generator (SplitMix64; Steele, Lea, Flood 2014): the same seed, the same load.
#pragma once

#include <cmath>
#include <cstdint>

namespace redline {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t mixed = (state_ += 0x9e3779b97f4a7c15ULL);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }

  // Uniform in (0, 1]: its logarithm is finite.
  double unit() { return (static_cast<double>(next() >> 11) + 1.0) * 0x1.0p-53; }

  double exponential(double mean) { return -mean * std::log(unit()); }

  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

}  // namespace redline
