// The server: one thread, one event loop, a virtual queueing station behind it.
#pragma once

#include <deque>
#include <memory>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include "call.h"
#include "connection.h"
#include "log.h"
#include "options.h"
#include "poller.h"
#include "random.h"
#include "replies.h"
#include "station.h"

namespace redline {

class Server {
 public:
  // `listener` is a listening socket that does not block; it stays the caller's.
  Server(const Options& options, int listener);

  // Serves until stop() is called; then all connections are closed.
  void run();
  // From a signal handler or another thread.
  void stop();
  const Log& log() const { return log_; }
  Nanoseconds started() const { return started_; }

  // For connections.
  Log& log() { return log_; }
  bool logs() const { return logs_; }
  const Replies& replies() const { return replies_; }
  std::span<char> buffer() { return buffer_; }
  // Reads the clocks; what arrives now was `received` then, by CLOCK_REALTIME (0: unknown).
  void tick_at(Nanoseconds received);
  void watch(Connection& connection, bool blocked);
  Call& new_call();
  void release(Call& call);
  // Decides what becomes of the call; its answer may be asked for at once.
  void admit(Call& call);

 private:
  using Due = std::pair<Nanoseconds, Call*>;
  static constexpr uint64_t kListener = Poller::kWoken - 1;

  Fate draw_fate();
  void serve(const epoll_event& event);
  void answer_due();
  void mark_dirty(Connection& connection);
  void flush_dirty();
  void accept_all();
  bool accept_one();
  void adopt(int socket, uint16_t port);
  void close(Connection& connection);
  Nanoseconds left() const;

  const Options options_;
  const Replies replies_;
  const bool logs_;
  const int listener_;
  Poller poller_;
  const Nanoseconds started_;
  Nanoseconds now_ = 0;      // of the last read or timer
  Nanoseconds arrival_ = 0;  // of what is being read; it never goes back
  Station station_;
  Random service_;
  Random fates_;
  uint64_t arrivals_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  Log log_;
  std::vector<char> buffer_;
  std::deque<Call> calls_;
  std::vector<Call*> free_calls_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<size_t> free_places_;
  std::vector<uint32_t> numbers_;  // of the connection in each place: events of its forerunner are stale
  std::vector<Connection*> dirty_;
  uint32_t adopted_ = 0;
  bool listening_ = true;
  volatile bool stopping_ = false;
};

}  // namespace redline
