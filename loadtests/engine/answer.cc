#include "answer.h"

#include <algorithm>
#include <cstring>

namespace redline {

void Answer::begin(const std::string* expected, bool keep) {
  expected_ = expected;
  size_ = 0;
  equal_ = true;
  detail_.clear();
  sample_.reset(keep ? new std::string : nullptr);
}

void Answer::compare(std::string_view bytes) {
  equal_ = equal_ && size_ + bytes.size() <= expected_->size() &&
           (bytes.empty() || std::memcmp(expected_->data() + size_, bytes.data(), bytes.size()) == 0);
}

void Answer::keep(std::string_view bytes) {
  sample_->append(bytes.substr(0, kSampleBytes - std::min(kSampleBytes, sample_->size())));
}

Outcome Answer::judge() const {
  const bool right = expected_ == nullptr || (equal_ && size_ == expected_->size());
  return {right ? Kind::right : Kind::wrong_answer};
}

}  // namespace redline
