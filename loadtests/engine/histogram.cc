#include "histogram.h"

namespace redline {
namespace {

constexpr uint32_t kCookie = 0x1c849303 | 0x10;

void put_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

// LEB128 of the ZigZag form; a ninth byte would carry eight bits, which no count here needs.
void put_zigzag(std::string& out, int64_t value) {
  auto rest = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (rest >= 0x80) {
    out.push_back(static_cast<char>(rest | 0x80));
    rest >>= 7;
  }
  out.push_back(static_cast<char>(rest));
}

void put_counts(std::string& out, const uint32_t* counts, uint32_t length) {
  int64_t zeros = 0;
  for (uint32_t index = 0; index < length; ++index) {
    if (counts[index] == 0) {
      ++zeros;
      continue;
    }
    if (zeros > 0) put_zigzag(out, -zeros);
    zeros = 0;
    put_zigzag(out, counts[index]);
  }
}

}  // namespace

uint64_t Histogram::total() const {
  uint64_t sum = 0;
  for (uint32_t index = lowest_; !empty() && index <= highest_; ++index) sum += counts_[index];
  return sum;
}

void Histogram::add(const Histogram& other) {
  if (other.empty()) return;
  for (uint32_t index = other.lowest_; index <= other.highest_; ++index) {
    counts_[index] += other.counts_[index];
  }
  lowest_ = std::min(lowest_, other.lowest_);
  highest_ = std::max(highest_, other.highest_);
}

void Histogram::clear() {
  if (!empty()) std::fill(&counts_[lowest_], &counts_[highest_] + 1, 0U);
  lowest_ = kCounts;
  highest_ = 0;
}

std::string Histogram::payload() const {
  std::string counts;
  if (!empty()) put_counts(counts, counts_.get(), highest_ + 1);
  std::string out;
  put_big_endian(out, kCookie, 4);
  put_big_endian(out, counts.size(), 4);
  put_big_endian(out, 0, 4);  // normalizing index offset
  put_big_endian(out, kDigits, 4);
  put_big_endian(out, 1, 8);
  put_big_endian(out, kHighestUs, 8);
  put_big_endian(out, std::bit_cast<uint64_t>(1.0), 8);
  return out + counts;
}

}  // namespace redline
