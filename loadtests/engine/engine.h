// The engine: its threads, the load shared out among them, their windows put together again.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "worker.h"

namespace redline {

// What ended in one span of time, of the requests that were due in one phase; all threads together.
struct Window {
  struct Thread {
    Nanoseconds cpu = 0;
    Nanoseconds run_queue = 0;
    int64_t turns = 0;
  };
  uint64_t number = 0;
  uint32_t phase = 0;
  std::string tag;
  Nanoseconds start = 0;
  Nanoseconds end = 0;
  uint64_t in_flight = 0;
  uint64_t queued = 0;
  std::vector<Thread> threads;
  View view;
  std::unique_ptr<Counts> counts;
};

class Engine final : private WorkerEvents {
 public:
  Engine(Target target, std::string phase);
  ~Engine() override;

  // Starts the threads; the host's addresses as text. Throws std::runtime_error.
  void start(const std::vector<std::string>& addresses);
  // Connections from now on lead there, those to other addresses get no more requests. This engine
  // is number `number` of `engines` that share the addresses out. Throws std::runtime_error.
  void set_addresses(const std::vector<std::string>& addresses, uint64_t number, uint64_t engines);
  // `gap` is the shortest time from one due to the next, of all users together.
  void set_users(uint64_t users, Nanoseconds think, Nanoseconds gap = 0, Spread spread = {});
  void set_rate(double rate, Arrivals arrivals, uint64_t backlog, Spread spread = {});
  void follow(std::vector<Nanoseconds> schedule, uint64_t backlog, Spread spread = {});
  // The boundary, in ns of CLOCK_MONOTONIC.
  Nanoseconds set_phase(std::string tag);
  // No new requests; waits for those that are due. False: some were unsent or unfinished.
  bool drain(Nanoseconds timeout);
  void stop();

  std::vector<Window> poll_windows();
  // Takes back a window's counts, so that the next window needs no fresh memory.
  void recycle(std::unique_ptr<Counts> counts);
  std::vector<Sample> poll_samples();
  // Of each kind that occurred: what the first one said.
  std::vector<std::pair<Outcome, std::string>> details();
  bool running() const { return !workers_.empty(); }

 private:
  void on_cut(Cut cut) override;
  void on_samples(std::vector<Sample> samples) override;
  void on_first(Outcome outcome, const std::string& detail) override;
  void on_idle() override;
  std::unique_ptr<Counts> fresh_counts() override;

  void require_running() const;
  // A thread's part of what all have together.
  uint64_t share_of(uint64_t whole, size_t number) const;
  Spread share_of(Spread whole, size_t number) const;
  void post(const Command& command);
  std::vector<Window> merge(std::vector<Cut> cuts);

  Target target_;
  const std::string first_phase_;
  std::unique_ptr<TlsContext> tls_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool loaded_ = false;  // load was set since the last drain

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<uint64_t, std::vector<Cut>> cuts_;
  uint64_t oldest_ = 0;  // windows before this one were handed out, or lost
  std::deque<Sample> samples_;
  std::vector<std::pair<Outcome, std::string>> details_;
  std::vector<std::unique_ptr<Counts>> unused_;
  size_t idle_ = 0;
  size_t asked_ = 0;
};

}  // namespace redline
