// The connections of one thread: opened when load asks for them, their free slots given in turn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "connection.h"
#include "ring.h"
#include "target.h"

namespace redline {

class Pool {
 public:
  Pool(Worker& worker, const Target& target, uint32_t thread);

  Connection& at(uint64_t number) { return *connections_[number]; }

  // A slot, of `preferred` first where that is not behind the others; null when none is free.
  Connection* pick(Connection* preferred, uint64_t in_flight);
  // Lists a connection that may have free slots. False: it has none.
  bool offer(Connection& connection, Nanoseconds now);
  // A slot that is given to a request that waited was free since then.
  Nanoseconds starved_until() const { return starved_until_; }

  void opened() { ++ready_; }
  // False: it was never open, and no other one is.
  bool closed(Connection& connection, bool was_ready);
  // As many connections as requests that are due could use, up to the limit; packed, as many as
  // they need, where a server that allows fewer streams than ours shows by full connections.
  void want(uint64_t in_flight, uint64_t queued, Nanoseconds now) {
    if (engaged() < most_) open_for(in_flight, queued, now);
  }

 private:
  uint64_t engaged() const { return connections_.size() - idle_.size(); }
  void open_for(uint64_t in_flight, uint64_t queued, Nanoseconds now);
  void add();

  Worker& worker_;
  const uint32_t most_;
  const uint32_t slots_;     // of each connection
  const uint64_t for_each_;  // requests that one connection is opened for
  std::vector<std::unique_ptr<Connection>> connections_;
  Ring<Connection*> free_;  // with a slot, or that had one when they were listed
  Ring<Connection*> idle_;  // neither open nor opening
  uint64_t ready_ = 0;
  bool starving_ = false;
  Nanoseconds starved_until_ = 0;
};

}  // namespace redline
