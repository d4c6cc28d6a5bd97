#include "connection.h"

#include <sys/epoll.h>

#include <algorithm>

#include "worker.h"

namespace redline {
namespace {

constexpr Nanoseconds kFirstPause = 10 * kMillisecond;
constexpr Nanoseconds kLongestPause = kSecond;

}  // namespace

Connection::Connection(Worker& worker, uint32_t number, uint32_t slots)
    : worker_(worker), number_(number) {
  set_slots(slots);
}

void Connection::set_slots(uint32_t slots) {
  if (slots_.size() == slots) return;
  slots_ = std::vector<Request>(slots);
  free_.clear();
  for (Request& slot : slots_) {
    slot.connection = this;
    free_.push_back(&slot);
  }
  starting_.reserve(slots);
}

void Connection::engage(Nanoseconds now) {
  if (not_before_ > now) {
    state_ = State::pausing;
    set_timer(not_before_);
  } else {
    open(now);
  }
}

void Connection::open(Nanoseconds now) {
  addresses_tried_ = 0;
  answered_ = false;
  set_timer(now + worker_.target().timeout);
  connect();
}

void Connection::connect() {
  const Address& address = worker_.address_of(number_, addresses_skipped_);
  address_ = address.text;
  const Transport::Status status = transport_.connect(address);
  state_ = State::connecting;
  ++generation_;
  watched_ = 0;
  if (status == Transport::Status::failed) {
    advance_open(status);
    return;
  }
  watch();  // also when connected at once: the loop goes on when the socket is writable
}

void Connection::finish_connect() {
  state_ = State::handshaking;
  advance_open(transport_.finish_connect(worker_.tls()));
}

void Connection::handshake() { advance_open(transport_.handshake(worker_.tls())); }

void Connection::advance_open(Transport::Status status) {
  if (status == Transport::Status::blocked) {
    watch();
  } else if (status == Transport::Status::done) {
    on_open();
  } else if (state_ == State::connecting || !transport_.tls()) {
    // Perhaps the host's next address answers: "localhost" is often two.
    ++addresses_skipped_;
    if (++addresses_tried_ < worker_.addresses()) {
      connect();
    } else {
      fail_open(transport_.fault());
    }
  } else {
    fail_open(transport_.fault());
  }
}

void Connection::on_open() {
  seen_ = {};
  session_ = make_session(worker_.target(), *this);
  state_ = State::opening;
  worker_.mark_dirty(*this);
  if (session_->ready()) {
    state_ = State::ready;
    set_timer(kNever);
    worker_.opened(*this);
  }
  watch();
}

void Connection::fail_open(const std::string& why) {
  const std::string copy = why;  // close() clears the transport's own
  close({Kind::connect}, copy);
}

void Connection::set_timer(Nanoseconds when) {
  timer_ = when;
  if (when != kNever) worker_.add_timer(when, *this);
}

void Connection::on_timer(Nanoseconds now) {
  timer_ = kNever;
  if (state_ == State::pausing) {
    open(now);
  } else {
    ++addresses_skipped_;
    fail_open("no connection within the timeout");
  }
}

void Connection::watch() {
  uint32_t wanted = EPOLLIN;
  if (state_ == State::connecting) wanted = EPOLLOUT;
  if (state_ == State::handshaking && transport_.wants_write()) wanted = EPOLLOUT;
  if (session_ && blocked_) wanted |= EPOLLOUT;
  if (wanted == watched_) return;
  worker_.watch(*this, transport_.socket(), wanted, /*known=*/watched_ != 0);
  watched_ = wanted;
}

void Connection::on_socket(uint32_t events) {
  if (state_ == State::connecting) return finish_connect();
  if (state_ == State::handshaking) return handshake();
  if (!session_) return;
  if ((events & EPOLLOUT) != 0 && blocked_) {
    flush();
    if (!session_) return;
  }
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) read();
}

// One read of a large buffer; what is left is reported again. TLS may hold more than one record.
void Connection::read() {
  for (int reads = 0; reads < 16; ++reads) {
    size_t got = 0;
    const auto buffer = worker_.buffer();
    const Transport::Status status = transport_.read(buffer.data(), buffer.size(), got);
    worker_.tick(now_ns());
    if (status == Transport::Status::blocked) return watch();
    if (status == Transport::Status::failed) {
      const std::string why = transport_.fault();
      return close({Kind::reset}, why);
    }
    if (status == Transport::Status::closed) {
      session_->peer_closed();
      return close({Kind::reset}, "the peer closed the connection before it answered");
    }
    if (!receive({buffer.data(), got})) return;
    if (!transport_.tls()) return;
  }
}

bool Connection::receive(std::string_view bytes) {
  if (!session_->receive(bytes)) {
    const std::string why = session_->fault();
    close({Kind::protocol}, why);
    return false;
  }
  if (state_ == State::opening && session_->ready()) {
    state_ = State::ready;
    set_timer(kNever);
    worker_.opened(*this);
  }
  worker_.mark_dirty(*this);
  worker_.settle(this);
  return true;
}

Request* Connection::take_slot() {
  Request* request = free_.back();
  free_.pop_back();
  return request;
}

bool Connection::begin(Request& request) {
  if (!session_->begin(request)) {
    free_.push_back(&request);
    return false;
  }
  starting_.push_back(&request);
  worker_.mark_dirty(*this);
  return true;
}

void Connection::flush() {
  if (!session_) return;
  while (true) {
    if (out_.empty()) {
      session_->produce(out_);
      if (!starting_.empty()) worker_.stamp_sent(starting_);
      if (out_.empty()) break;
    }
    const Transport::Status status = transport_.write(out_);
    if (status == Transport::Status::blocked) {
      blocked_ = true;
      return watch();
    }
    if (status != Transport::Status::done) {
      const std::string why = transport_.fault();
      return close({Kind::reset}, why);
    }
  }
  if (session_->finished()) {
    const std::string why = session_->fault();
    return close({why.empty() ? Kind::reset : Kind::protocol}, why);
  }
  if (blocked_) {
    blocked_ = false;
    watch();
  }
  // What was written may have freed slots: a cancelled stream ends when its RST_STREAM goes out.
  worker_.offer(*this);
}

void Connection::cancel(Request& request) {
  if (!session_) return;
  if (!session_->cancel(request)) return close({Kind::reset}, {});
  if (!blocked_) return worker_.mark_dirty(*this);
  // Nothing can be sent, not even the cancellation. Wait only where others still wait.
  const bool others = std::any_of(slots_.begin(), slots_.end(), [](const Request& slot) {
    return slot.phase != nullptr && !slot.counted;
  });
  if (!others) close({Kind::reset}, {});
}

void Connection::on_ended(Request& request, Outcome outcome) {
  answered_ = true;
  if (!request.counted) worker_.count_end(request, outcome);
  release(request);
}

void Connection::on_refused(Request& request) {
  worker_.requeue(request);
  release(request);
}

void Connection::release(Request& request) {
  std::erase(starting_, &request);
  request.phase = nullptr;
  request.counted = false;
  free_.push_back(&request);
}

Nanoseconds Connection::pause() {
  if (failures_ == 0) return 0;
  const Nanoseconds longest = std::min(kFirstPause << std::min(failures_ - 1, 7U), kLongestPause);
  return static_cast<Nanoseconds>(static_cast<double>(longest) * (0.5 + worker_.jitter() / 2));
}

void Connection::leave() {
  state_ = State::leaving;
  timer_ = kNever;
}

void Connection::close_unused() {
  read_wire(worker_.wire());
  transport_.close();
  forget_socket();
  worker_.left(*this);
}

void Connection::read_wire(Wire& wire) {
  if (!open()) return;
  const auto now = wire_of(transport_.socket());
  if (!now) return;
  wire.add(growth(seen_, *now));
  seen_ = *now;
}

void Connection::close(Outcome outcome, std::string_view why) {
  const bool was_ready = state_ == State::ready;
  const bool was_leaving = leaving();
  read_wire(worker_.wire());
  for (Request& slot : slots_) {
    if (slot.phase == nullptr) continue;
    if (!slot.counted) {
      slot.answer.explain(why);
      worker_.count_end(slot, outcome);
    }
    release(slot);
  }
  failures_ = answered_ ? 0 : failures_ + 1;
  transport_.abort();
  forget_socket();
  not_before_ = worker_.now() + pause();
  if (was_leaving) return worker_.left(*this);
  worker_.closed(*this, was_ready, outcome, why);
}

void Connection::forget_socket() {
  session_.reset();
  out_.clear();
  starting_.clear();
  blocked_ = false;
  watched_ = 0;
  state_ = State::idle;
  timer_ = kNever;
  ++generation_;
}

}  // namespace redline
