#include "pool.h"

namespace redline {

Pool::Pool(Worker& worker, const Target& target, uint32_t thread)
    : worker_(worker),
      most_(target.connections / target.threads +
            (thread < target.connections % target.threads ? 1 : 0)),
      slots_(target.protocol == Protocol::grpc ? target.streams : 1),
      for_each_(target.pack ? slots_ : 1) {}

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

void Pool::open_for(uint64_t in_flight, uint64_t queued, Nanoseconds now) {
  while (engaged() < most_) {
    const bool all_full = engaged() == ready_ && queued > 0 && starving_;
    if (engaged() * for_each_ >= in_flight + queued && !all_full) return;
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
