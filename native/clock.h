// The one clock of what is native here: nanoseconds of CLOCK_MONOTONIC, which no one sets back.
#pragma once

#include <cstdint>
#include <ctime>
#include <limits>

namespace redline {

using Nanoseconds = int64_t;

constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();
constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kMillisecond = 1'000'000;

inline Nanoseconds read_clock(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

inline Nanoseconds now_ns() { return read_clock(CLOCK_MONOTONIC); }

inline Nanoseconds from_seconds(double seconds) {
  constexpr double limit = 9e9;  // 285 years; beyond it the product overflows
  return seconds >= limit ? kNever / 4 : static_cast<Nanoseconds>(seconds * 1e9);
}

}  // namespace redline
