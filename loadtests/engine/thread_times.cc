#include "thread_times.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace redline {

ThreadTimes::ThreadTimes() {
  const std::string path = "/proc/self/task/" + std::to_string(gettid()) + "/schedstat";
  schedstat_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  last_ = read();
}

ThreadTimes::~ThreadTimes() {
  if (schedstat_ >= 0) close(schedstat_);
}

// schedstat's own CPU time lags by a scheduler tick; the thread's clock is the same figure, exact.
ThreadTimes::Spent ThreadTimes::read() const {
  Spent spent;
  spent.cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
  std::array<char, 96> text{};
  if (pread(schedstat_, text.data(), text.size() - 1, 0) > 0) {
    char* rest = text.data();
    strtoll(rest, &rest, 10);
    spent.run_queue = strtoll(rest, &rest, 10);
    spent.turns = strtoll(rest, &rest, 10);
  }
  return spent;
}

ThreadTimes::Spent ThreadTimes::lap() {
  const Spent now = read();
  const Spent lap{now.cpu - last_.cpu, now.run_queue - last_.run_queue,
                  now.turns - last_.turns};
  last_ = now;
  return lap;
}

}  // namespace redline
