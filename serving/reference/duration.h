// Durations as people write them: 250us, 1ms, 0.5s; a bare 0 needs no unit.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

#include "clock.h"

namespace redline {

inline std::optional<Nanoseconds> parse_duration(std::string_view text) {
  constexpr double kLongest = 86'400e9;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || !(value >= 0)) return {};
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  double scale = 0;
  if (unit == "us") scale = 1e3;
  if (unit == "ms") scale = 1e6;
  if (unit == "s") scale = 1e9;
  if (scale == 0 && !(unit.empty() && value == 0)) return {};
  if (value * scale > kLongest) return {};
  return static_cast<Nanoseconds>(value * scale + 0.5);
}

}  // namespace redline
