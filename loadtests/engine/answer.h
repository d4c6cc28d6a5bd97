// Judges one answer while its bytes pass by; keeps none of them but those that were asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "outcome.h"

namespace redline {

class Answer {
 public:
  static constexpr size_t kDetailBytes = 512;
  static constexpr size_t kSampleBytes = 4 << 20;

  // `expected` is null where any complete answer is right; `keep` makes a sample of this one.
  void begin(const std::string* expected, bool keep);

  // Bytes of the message (gRPC: without its prefix).
  void message(std::string_view bytes) {
    if (expected_ != nullptr) compare(bytes);
    size_ += bytes.size();
    if (sample_) keep(bytes);
  }

  // What the server said of its error, for a person to read; bounded.
  void explain(std::string_view bytes) {
    if (detail_.size() < kDetailBytes) {
      detail_.append(bytes.substr(0, kDetailBytes - detail_.size()));
    }
  }

  // The outcome of an answer that is complete and whose status is good.
  Outcome judge() const;

  uint64_t size() const { return size_; }
  const std::string& detail() const { return detail_; }
  std::unique_ptr<std::string> take_sample() { return std::move(sample_); }

 private:
  void compare(std::string_view bytes);
  void keep(std::string_view bytes);

  const std::string* expected_ = nullptr;
  uint64_t size_ = 0;
  bool equal_ = true;
  std::string detail_;
  std::unique_ptr<std::string> sample_;
};

}  // namespace redline
