// CPU time, run-queue wait and turns of the calling thread: the proof that a generator had its core.
#pragma once

#include "clock.h"

namespace redline {

class ThreadTimes {
 public:
  ThreadTimes();
  ~ThreadTimes();
  ThreadTimes(const ThreadTimes&) = delete;
  ThreadTimes& operator=(const ThreadTimes&) = delete;

  struct Spent {
    Nanoseconds cpu = 0;
    Nanoseconds run_queue = 0;
    int64_t turns = 0;  // how often it was given a core
  };
  // Since the last call.
  Spent lap();

 private:
  Spent read() const;

  int schedstat_ = -1;
  Spent last_;
};

}  // namespace redline
