// The law that service times follow, drawn by seed: one draw a request, in the order of arrival.
#pragma once

#include <string_view>

#include "clock.h"
#include "random.h"

namespace redline {

class Law {
 public:
  // constant:TIME, exponential:MEAN, lognormal:MEDIAN,SIGMA or bimodal:TIME,TIME,SHARE, where SIGMA
  // is the deviation of the logarithm and SHARE that of the second time.
  // Throws std::invalid_argument.
  static Law parse(std::string_view text);

  Nanoseconds draw(Random& random) const;

 private:
  enum class Kind { constant, exponential, lognormal, bimodal };

  Kind kind_ = Kind::constant;
  double time_ = 0;  // ns
  double other_ = 0;  // ns
  double shape_ = 0;  // SIGMA or SHARE
};

}  // namespace redline
