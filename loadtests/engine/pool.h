// The connections of one thread: opened when load asks for them, their free slots given in turn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
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
  // A connection that was surplus is closed.
  void left(Connection& connection);
  // All connections lead elsewhere: they get no more requests.
  void leave_all();
  void read_wire(Wire& wire);
  // Those that are open, by address.
  std::map<std::string, uint32_t> open() const;
  // As many connections as requests that are due could use, up to the limit; packed, as many as
  // they need, where a server that allows fewer streams than ours shows by full connections. At
  // least those that the load is spread over.
  void want(uint64_t in_flight, uint64_t queued, Nanoseconds now) {
    if (engaged() < most_) open_for(in_flight, queued, now);
  }

  // From now on; connections beyond these get no more requests.
  void spread(Spread over, Nanoseconds now);
  // Closes those that are surplus and have nothing in flight any more. Not while one of them reads.
  void tidy(Nanoseconds now) {
    if (untidy_ && now >= tidy_again_) close_surplus(now);
  }

 private:
  uint64_t engaged() const { return connections_.size() - idle_.size() - leaving_; }
  void open_for(uint64_t in_flight, uint64_t queued, Nanoseconds now);
  void add();
  void leave(Connection& connection);
  void close_surplus(Nanoseconds now);

  Worker& worker_;
  const uint32_t most_;
  const bool one_each_;      // HTTP/1.1
  const bool packed_;
  uint32_t slots_;           // of each connection
  uint64_t for_each_;        // requests that one connection is opened for
  uint64_t spread_over_ = 0; // so many connections even if fewer could carry the requests
  std::vector<std::unique_ptr<Connection>> connections_;
  Ring<Connection*> free_;  // with a slot, or that had one when they were listed
  Ring<Connection*> idle_;  // neither open nor opening
  uint64_t ready_ = 0;
  uint64_t leaving_ = 0;  // surplus, with requests in flight
  bool untidy_ = false;   // some are leaving, or have other slots than they should
  Nanoseconds tidy_again_ = 0;
  bool starving_ = false;
  Nanoseconds starved_until_ = 0;
};

}  // namespace redline
