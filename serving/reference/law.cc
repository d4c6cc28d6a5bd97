#include "law.h"

#include <charconv>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "duration.h"

namespace redline {
namespace {

constexpr double kLongest = 86'400e9;  // ns; a tail must not run out of the clock's range

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

double time_of(std::string_view text) {
  const auto time = parse_duration(text);
  if (!time) throw std::invalid_argument("'" + std::string(text) + "' is no time such as 250us, 1ms or 0.5s");
  return static_cast<double>(*time);
}

double number_of(std::string_view text, double highest) {
  double value = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= 0 && value <= highest)) {
    throw std::invalid_argument("'" + std::string(text) + "' is no number from 0 to " +
                                std::to_string(static_cast<int>(highest)));
  }
  return value;
}

}  // namespace

Law Law::parse(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto parts = split(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  Law law;
  if (name == "constant" && parts.size() == 1) {
    law.kind_ = Kind::constant;
  } else if (name == "exponential" && parts.size() == 1) {
    law.kind_ = Kind::exponential;
  } else if (name == "lognormal" && parts.size() == 2) {
    law.kind_ = Kind::lognormal;
    law.shape_ = number_of(parts[1], 10);
  } else if (name == "bimodal" && parts.size() == 3) {
    law.kind_ = Kind::bimodal;
    law.other_ = time_of(parts[1]);
    law.shape_ = number_of(parts[2], 1);
  } else {
    throw std::invalid_argument(
        "write constant:TIME, exponential:MEAN, lognormal:MEDIAN,SIGMA or bimodal:TIME,TIME,SHARE");
  }
  law.time_ = time_of(parts[0]);
  return law;
}

Nanoseconds Law::draw(Random& random) const {
  double time = time_;
  switch (kind_) {
    case Kind::constant: break;
    case Kind::exponential: time = random.exponential(time_); break;
    case Kind::bimodal: time = random.unit() <= shape_ ? other_ : time_; break;
    case Kind::lognormal: {  // Box and Muller (1958)
      const double radius = std::sqrt(-2 * std::log(random.unit()));
      time = time_ * std::exp(shape_ * radius * std::cos(2 * std::numbers::pi * random.unit()));
      break;
    }
  }
  return static_cast<Nanoseconds>(std::fmin(time, kLongest) + 0.5);
}

}  // namespace redline
