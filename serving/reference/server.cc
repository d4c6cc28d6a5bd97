#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace redline {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr uint64_t kFateSeed = 0x9e3779b97f4a7c15ULL;  // so that fates and service times are apart

Stall stall_from(Stall stall, Nanoseconds origin) {
  stall.origin = origin;
  return stall;
}

}  // namespace

Server::Server(const Options& options, int listener)
    : options_(options),
      replies_(options.answer),
      logs_(!options.log.empty()),
      listener_(listener),
      started_(now_ns()),
      now_(started_),
      arrival_(started_),
      station_(options.servers, options.queue, stall_from(options.stall, started_)),
      service_(options.seed),
      fates_(options.seed ^ kFateSeed),
      buffer_(kReadBytes) {
  poller_.watch(listener_, EPOLLIN, kListener, false);
}

void Server::stop() {
  stopping_ = true;
  poller_.wake();
}

void Server::run() {
  while (!stopping_) {
    for (const epoll_event& event : poller_.wait(left())) {
      if (event.data.u64 == Poller::kWoken) continue;
      serve(event);
      answer_due();
    }
    answer_due();
  }
  for (const auto& connection : connections_) {
    if (connection) close(*connection);
  }
}

Nanoseconds Server::left() const {
  if (due_.empty()) return kNever;
  return std::max<Nanoseconds>(0, due_.top().first - now_ns());
}

void Server::serve(const epoll_event& event) {
  if (event.data.u64 == kListener) return accept_all();
  const auto place = static_cast<size_t>(event.data.u64 >> 32);
  if (!connections_[place] || numbers_[place] != static_cast<uint32_t>(event.data.u64)) return;
  Connection& connection = *connections_[place];
  connection.on_socket(event.events);
  if (connection.closed()) close(connection);
}

void Server::answer_due() {
  if (due_.empty()) return;
  now_ = now_ns();
  while (!due_.empty() && due_.top().first <= now_) {
    Call& call = *due_.top().second;
    due_.pop();
    call.scheduled = false;
    if (call.connection != nullptr) {
      call.connection->answer(call);
      mark_dirty(*call.connection);
    } else {
      release(call);
    }
  }
  flush_dirty();
}

// The kernel's time leaves out how long this thread took to wake, which is no part of the queue.
void Server::tick_at(Nanoseconds received) {
  now_ = now_ns();
  const Nanoseconds since = received == 0 ? 0 : read_clock(CLOCK_REALTIME) - received;
  arrival_ = std::max(arrival_, now_ - std::max<Nanoseconds>(0, since));
}

void Server::mark_dirty(Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(&connection);
}

void Server::flush_dirty() {
  for (size_t index = 0; index < dirty_.size(); ++index) {  // a flush may add to the list
    Connection* connection = dirty_[index];
    if (connection == nullptr) continue;
    connection->dirty = false;
    connection->flush();
    if (connection->closed()) close(*connection);
  }
  dirty_.clear();
}

Call& Server::new_call() {
  if (free_calls_.empty()) {
    calls_.emplace_back();
    return calls_.back();
  }
  Call& call = *free_calls_.back();
  free_calls_.pop_back();
  call = Call{};
  return call;
}

// A call whose service goes on while its client has gone stays with its server until the end.
void Server::release(Call& call) {
  call.connection = nullptr;
  if (!call.scheduled) free_calls_.push_back(&call);
}

Fate Server::draw_fate() {
  const double drawn = fates_.unit();
  if (drawn <= options_.error_ratio) return Fate::error;
  return drawn <= options_.error_ratio + options_.wrong_ratio ? Fate::wrong : Fate::right;
}

void Server::admit(Call& call) {
  call.arrived = true;
  call.number = arrivals_++;
  call.arrival = arrival_;
  call.fate = draw_fate();
  const Nanoseconds work = options_.service.draw(service_);
  if (const auto slot = station_.admit(arrival_, work)) {
    call.start = slot->start;
    call.end = slot->end;
  } else {
    call.fate = Fate::rejected;
    call.start = call.end = arrival_;
  }
  if (call.end <= now_) return call.connection->answer(call);
  call.scheduled = true;
  due_.emplace(call.end, &call);
}

void Server::accept_all() {
  while (accept_one()) {
  }
}

bool Server::accept_one() {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  const int socket = accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) {
    adopt(socket, ntohs(peer.sin_port));
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    listening_ = false;  // else the listener would wake the loop without end
    poller_.watch(listener_, 0, kListener, true);
  }
  return errno == EINTR || errno == ECONNABORTED;
}

void Server::adopt(int socket, uint16_t port) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  size_t place = connections_.size();
  if (free_places_.empty()) {
    connections_.emplace_back();
    numbers_.emplace_back();
  } else {
    place = free_places_.back();
    free_places_.pop_back();
  }
  numbers_[place] = adopted_++;
  connections_[place] = std::make_unique<Connection>(*this, socket, numbers_[place], port);
  connections_[place]->place = place;
  poller_.watch(socket, EPOLLIN, place << 32 | numbers_[place], false);
}

void Server::watch(Connection& connection, bool blocked) {
  const uint32_t events = EPOLLIN | (blocked ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  poller_.watch(connection.socket(), events, connection.place << 32 | numbers_[connection.place], true);
}

void Server::close(Connection& connection) {
  for (Connection*& each : dirty_) {
    if (each == &connection) each = nullptr;
  }
  const size_t place = connection.place;
  connections_[place].reset();
  free_places_.push_back(place);
  if (listening_) return;
  listening_ = true;
  poller_.watch(listener_, EPOLLIN, kListener, true);
}

}  // namespace redline
