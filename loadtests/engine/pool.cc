#include "pool.h"

namespace redline {
namespace {

constexpr Nanoseconds kBetweenTidyings = 10 * kMillisecond;

}  // namespace

Pool::Pool(Worker& worker, const Target& target, uint32_t thread)
    : worker_(worker),
      most_(target.connections / target.threads +
            (thread < target.connections % target.threads ? 1 : 0)),
      one_each_(target.protocol == Protocol::http1),
      packed_(target.pack),
      slots_(one_each_ ? 1 : target.streams),
      for_each_(packed_ ? slots_ : 1) {}

Connection* Pool::pick(Connection* preferred, uint64_t in_flight) {
  if (preferred != nullptr && preferred->has_slot() &&
      preferred->used() * engaged() <= in_flight) {
    return preferred;
  }
  while (!free_.empty()) {
    Connection* connection = free_.pop_front();
    if (connection->has_slot()) {
      free_.push_back(connection);
      return connection;
    }
    connection->listed = false;
  }
  starving_ = true;
  return nullptr;
}

bool Pool::offer(Connection& connection, Nanoseconds now) {
  if (!connection.has_slot()) return false;
  if (starving_) starved_until_ = now;
  starving_ = false;
  if (!connection.listed) {
    connection.listed = true;
    free_.push_back(&connection);
  }
  return true;
}

bool Pool::closed(Connection& connection, bool was_ready) {
  // In front: the next attempt is this one again, after its pause. A fresh one would have none.
  idle_.push_front(&connection);
  if (was_ready) --ready_;
  return was_ready || ready_ > 0;
}

void Pool::left(Connection& connection) {
  idle_.push_back(&connection);
  --leaving_;
}

void Pool::leave(Connection& connection) {
  if (!connection.engaged()) return;
  if (connection.ready()) --ready_;
  ++leaving_;
  connection.leave();
  untidy_ = true;
}

void Pool::leave_all() {
  for (auto& connection : connections_) leave(*connection);
}

void Pool::spread(Spread over, Nanoseconds now) {
  if (over.connections == 0) return;
  spread_over_ = over.connections;
  if (!one_each_) slots_ = over.streams;
  if (packed_) for_each_ = slots_;
  // The newest first: with few users again, the connections are those that few users had before.
  for (size_t number = connections_.size(); number-- > 0 && engaged() > spread_over_;) {
    leave(*connections_[number]);
  }
  close_surplus(now);
}

void Pool::close_surplus(Nanoseconds now) {
  untidy_ = false;
  tidy_again_ = now + kBetweenTidyings;
  for (auto& connection : connections_) {
    if (connection->used() > 0) {
      untidy_ |= connection->leaving() || connection->slots() != slots_;
      continue;
    }
    if (connection->leaving()) connection->close_unused();
    connection->set_slots(slots_);
    offer(*connection, now);
  }
}

void Pool::read_wire(Wire& wire) {
  for (auto& connection : connections_) connection->read_wire(wire);
}

std::map<std::string, uint32_t> Pool::open() const {
  std::map<std::string, uint32_t> by_address;
  for (const auto& connection : connections_) {
    if (connection->open()) ++by_address[connection->address()];
  }
  return by_address;
}

void Pool::open_for(uint64_t in_flight, uint64_t queued, Nanoseconds now) {
  while (engaged() < most_) {
    const uint64_t requests = in_flight + queued;
    const bool all_full = engaged() == ready_ && queued > 0 && starving_;
    const bool enough = engaged() * for_each_ >= requests &&
                        engaged() >= std::min(spread_over_, requests);
    if (enough && !all_full) return;
    if (idle_.empty()) add();
    idle_.pop_front()->engage(now);
  }
}

// The limit may be generous: only what was needed once takes memory.
void Pool::add() {
  const auto number = static_cast<uint32_t>(connections_.size());
  connections_.push_back(std::make_unique<Connection>(worker_, number, slots_));
  idle_.push_back(connections_.back().get());
}

}  // namespace redline
