// The requests in flight of one thread, in the order of their deadlines: each has the same time.
#pragma once

#include <cstdint>

#include "request.h"

namespace redline {

class InFlight {
 public:
  Request* first() const { return first_; }
  uint64_t count() const { return count_; }

  void add(Request& request) {
    request.earlier = last_;
    request.later = nullptr;
    (last_ != nullptr ? last_->later : first_) = &request;
    last_ = &request;
    ++count_;
  }

  void remove(Request& request) {
    (request.earlier != nullptr ? request.earlier->later : first_) = request.later;
    (request.later != nullptr ? request.later->earlier : last_) = request.earlier;
    --count_;
  }

 private:
  Request* first_ = nullptr;
  Request* last_ = nullptr;
  uint64_t count_ = 0;
};

}  // namespace redline
