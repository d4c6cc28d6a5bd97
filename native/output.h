// Bytes on their way to a socket: small ones copied, large ones referred to where they lie.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace redline {

class Output {
 public:
  static constexpr size_t kBytes = 64 << 10;
  static constexpr size_t kPieces = 64;
  static constexpr size_t kWorthReferring = 2048;

  Output() : buffer_(new char[kBytes]) {}

  bool empty() const { return first_ == pieces_; }
  // Whether `bytes` more can be copied.
  bool fits(size_t bytes) const { return used_ + bytes <= kBytes && pieces_ + 1 < kPieces; }

  // The caller has asked fits().
  void copy(std::string_view bytes) {
    char* place = buffer_.get() + used_;
    std::memcpy(place, bytes.data(), bytes.size());
    used_ += bytes.size();
    push(place, bytes.size());
  }

  // `bytes` must live until they are written. The caller has asked fits(kWorthReferring).
  void refer(std::string_view bytes) {
    if (bytes.size() < kWorthReferring && fits(bytes.size())) {
      copy(bytes);
    } else {
      push(const_cast<char*>(bytes.data()), bytes.size());
    }
  }

  const iovec* pieces() const { return &iov_[first_]; }
  size_t count() const { return pieces_ - first_; }

  void written(size_t bytes) {
    while (first_ < pieces_ && bytes >= iov_[first_].iov_len) bytes -= iov_[first_++].iov_len;
    if (bytes > 0) {
      iov_[first_].iov_base = static_cast<char*>(iov_[first_].iov_base) + bytes;
      iov_[first_].iov_len -= bytes;
    }
    if (empty()) clear();
  }

  void clear() { used_ = first_ = pieces_ = 0; }

 private:
  void push(char* start, size_t bytes) {
    if (pieces_ > first_) {
      iovec& last = iov_[pieces_ - 1];
      if (static_cast<char*>(last.iov_base) + last.iov_len == start) {
        last.iov_len += bytes;
        return;
      }
    }
    if (bytes > 0) iov_[pieces_++] = {start, bytes};
  }

  std::unique_ptr<char[]> buffer_;
  size_t used_ = 0;
  size_t first_ = 0;
  size_t pieces_ = 0;
  std::array<iovec, kPieces> iov_;
};

}  // namespace redline
