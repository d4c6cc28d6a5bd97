// One thread of the engine: an event loop that owns its connections, its clock and its counts.
// It sleeps until a socket or a due time wakes it, and shares nothing with its siblings.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "connection.h"
#include "cutter.h"
#include "in_flight.h"
#include "load.h"
#include "poller.h"
#include "pool.h"
#include "ring.h"
#include "sampler.h"
#include "target.h"
#include "tls.h"
#include "wire.h"
#include "worker_events.h"

namespace redline {

// A part of the load, or a change of phase; obeyed between two events.
struct Command {
  enum class Kind { users, rate, schedule, addresses, phase, cut, drain, stop } kind = Kind::stop;
  uint64_t users = 0;
  Nanoseconds think = 0;
  Nanoseconds gap = 0;
  double rate = 0;
  Arrivals arrivals = Arrivals::constant;
  double offset = 0;
  uint64_t backlog = 0;
  Schedule schedule{};
  Spread spread{};
  std::shared_ptr<const Addresses> addresses{};
  std::string tag{};
  Nanoseconds when = 0;  // of phase and cut: the boundary; of drain: its end
};

class Worker {
 public:
  Worker(const Target& target, std::shared_ptr<const Addresses> addresses, const TlsContext* tls,
         uint32_t number, std::string phase, WorkerEvents& events);
  ~Worker();

  void start(Nanoseconds first_window);
  void post(Command command);
  void join();

  // For connections, on this worker's thread.
  const Target& target() const { return target_; }
  size_t addresses() const { return addresses_->all.size(); }
  const Address& address_of(uint32_t connection, size_t skipped) const;
  const TlsContext* tls() const { return tls_; }
  std::span<char> buffer() { return buffer_; }
  Nanoseconds now() const { return now_; }
  double jitter() { return random_.unit(); }
  // The time is `now`: cuts the windows that ended before.
  void tick(Nanoseconds now);
  void watch(Connection& connection, int socket, uint32_t events, bool known);
  void add_timer(Nanoseconds when, Connection& connection);
  void mark_dirty(Connection& connection);
  void opened(Connection& connection);
  // `was_ready` false: the connection never came about, for the reason given.
  void closed(Connection& connection, bool was_ready, Outcome outcome, std::string_view why);
  // A surplus one ended.
  void left(Connection& connection) { pool_.left(connection); }
  // For what the kernel saw of a connection that ends.
  Wire& wire() { return wire_; }
  // Gives the slots that a connection may have free to requests that wait.
  void offer(Connection& connection);
  // Gives free slots to requests that are due, those of `preferred` first.
  void settle(Connection* preferred);
  void stamp_sent(std::vector<Request*>& requests);
  void count_end(Request& request, Outcome outcome);
  void requeue(Request& request);

 private:
  // A request that is due and has no slot yet.
  struct Due {
    Nanoseconds due = 0;
    Nanoseconds not_before = 0;  // when it was given back by a server that refused it
    Phase* phase = nullptr;
    uint32_t body = 0;
    uint8_t refusals = 0;
    bool of_user = false;
  };

  void run();
  void obey(Nanoseconds now);
  void obey(const Command& command, Nanoseconds now);
  void run_timers();
  void expire();
  void go_on_draining();
  Nanoseconds next_wake() const;
  void wait();
  void fall_due(Connection* preferred);
  void place(Nanoseconds due, bool of_user, Connection* preferred);
  bool begin(Connection& connection, const Due& due, Nanoseconds slot_free);
  void serve_queue();
  void want_connections() { pool_.want(in_flight_.count(), queue_.size(), now_); }
  void flush_dirty();
  void fail_queued(Outcome outcome, std::string_view why);
  void count_unsent();
  void count(Phase& phase, Outcome outcome, std::string_view detail);
  uint32_t next_body();

  const Target& target_;
  std::shared_ptr<const Addresses> addresses_;
  const TlsContext* tls_;
  const uint32_t number_;
  WorkerEvents& events_;
  std::thread thread_;

  std::mutex mutex_;
  std::vector<Command> commands_;  // guarded by mutex_
  std::atomic<bool> has_commands_ = false;

  Poller poller_;
  Nanoseconds now_ = 0;
  bool stopping_ = false;
  std::vector<char> buffer_;

  Random random_;
  ClosedLoop closed_;
  OpenLoop open_;
  uint64_t backlog_ = 0;
  uint64_t bodies_drawn_ = 0;
  Sampler sampler_;

  Pool pool_;
  std::vector<Connection*> dirty_;
  using Timer = std::pair<Nanoseconds, Connection*>;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;

  Ring<Due> queue_;
  InFlight in_flight_;
  bool draining_ = false;
  Nanoseconds drain_end_ = kNever;

  Cutter cutter_;
  Wire wire_;  // what was read since the last window
  Nanoseconds read_wire_again_ = 0;
  std::vector<Outcome> known_;
};

}  // namespace redline
