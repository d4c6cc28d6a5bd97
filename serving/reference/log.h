// What became of each request, in memory until the end: a write would cost time while it is measured.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "call.h"
#include "clock.h"

namespace redline {

// The file is a Head and Records in the machine's byte order, in the order of their answers;
// serving/reference/log.py reads them. Times are ns of CLOCK_MONOTONIC.
class Log {
 public:
  struct Head {
    char magic[8] = {'r', 'e', 'd', 'l', 'i', 'n', 'e', '1'};
    int64_t started = 0;
    uint64_t records = 0;
  };
  struct Record {
    uint64_t number = 0;
    int64_t arrival = 0;
    int64_t start = 0;
    int64_t end = 0;
    int64_t answered = 0;  // the answer was handed to the kernel; 0: it never was
    uint32_t connection = 0;
    uint32_t stream = 0;
    uint16_t port = 0;  // the client's
    uint8_t fate = 0;
    uint8_t http2 = 0;
    uint32_t unused = 0;
  };

  void add(const Record& record) {
    if (used_ == kChunk) grow();
    chunks_.back()[used_++] = record;
  }

  // Throws std::system_error.
  void write(int file, Nanoseconds started) const;

 private:
  static constexpr size_t kChunk = 16 << 10;

  void grow() {
    chunks_.emplace_back(new Record[kChunk]);
    used_ = 0;
  }

  std::vector<std::unique_ptr<Record[]>> chunks_;
  size_t used_ = kChunk;  // of the last chunk
};

}  // namespace redline
