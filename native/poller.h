// epoll with a nanosecond timeout, and a wake-up from other threads.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "clock.h"

namespace redline {

class Poller {
 public:
  // Throws std::system_error.
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void watch(int descriptor, uint32_t events, uint64_t data, bool known) const;
  // Sleeps until something happens or `timeout` ns have passed; kNever for no limit. A wake-up
  // shows as an event whose data is kWoken.
  std::span<const epoll_event> wait(Nanoseconds timeout);
  // From any thread.
  void wake() const;

  static constexpr uint64_t kWoken = ~0ULL;

 private:
  int epoll_ = -1;
  int wake_ = -1;
  std::array<epoll_event, 128> events_{};
};

}  // namespace redline
