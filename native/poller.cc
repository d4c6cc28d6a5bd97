#include "poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace redline {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || wake_ < 0) throw std::system_error(errno, std::generic_category(), "epoll");
  watch(wake_, EPOLLIN, kWoken, false);
}

Poller::~Poller() {
  close(wake_);
  close(epoll_);
}

void Poller::watch(int descriptor, uint32_t events, uint64_t data, bool known) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  epoll_ctl(epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
}

std::span<const epoll_event> Poller::wait(Nanoseconds timeout) {
  const timespec limit{timeout / kSecond, timeout % kSecond};
  const int size = static_cast<int>(events_.size());
  int count = epoll_pwait2(epoll_, events_.data(), size, timeout == kNever ? nullptr : &limit, nullptr);
  if (count < 0 && errno == ENOSYS) {  // before Linux 5.11: milliseconds, rounded up
    const auto ms = std::min<Nanoseconds>((timeout + kMillisecond - 1) / kMillisecond, 1000);
    count = epoll_wait(epoll_, events_.data(), size, static_cast<int>(ms));
  }
  const std::span<const epoll_event> events(events_.data(), count > 0 ? static_cast<size_t>(count) : 0);
  for (const epoll_event& event : events) {
    if (event.data.u64 != kWoken) continue;
    uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t size_read = read(wake_, &ignored, sizeof ignored);
  }
  return events;
}

void Poller::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(wake_, &one, sizeof one);
}

}  // namespace redline
