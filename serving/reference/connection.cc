#include "connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server.h"

namespace redline {
namespace {

constexpr std::string_view kHttp2 = "PRI * HTTP/2.0\r\n";

// When the kernel had the last byte that was read, by CLOCK_REALTIME; 0: it does not say.
Nanoseconds received(msghdr& message) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(each), sizeof time);
    return time.tv_sec * kSecond + time.tv_nsec;
  }
  return 0;
}

}  // namespace

Connection::Connection(Server& server, int socket, uint32_t number, uint16_t port)
    : server_(server), socket_(socket), number_(number), port_(port) {}

Connection::~Connection() {
  session_.reset();
  while (calls_ != nullptr) on_closed(*calls_);
  close(socket_);
}

void Connection::on_socket(uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if (!closed_ && (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) read();
}

// One read of a large buffer; what is left is reported again.
void Connection::read() {
  const auto buffer = server_.buffer();
  iovec place{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = recvmsg(socket_, &message, 0);
  server_.tick_at(got > 0 ? received(message) : 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || failing_) {
    closed_ = got <= 0;
    return;
  }
  reading_ = true;
  if (!receive({buffer.data(), static_cast<size_t>(got)})) failing_ = true;
  reading_ = false;
  flush();
}

bool Connection::receive(std::string_view bytes) {
  if (session_) return session_->receive(bytes);
  opening_.append(bytes);
  std::string_view all = opening_;
  const size_t known = std::min(all.size(), kHttp2.size());
  if (all.substr(0, known) != kHttp2.substr(0, known)) {
    session_ = make_http1(server_.replies(), *this);
  } else if (known == kHttp2.size()) {
    session_ = make_grpc(server_.replies(), *this);
    http2_ = true;
  } else {
    return true;
  }
  const std::string opening = std::exchange(opening_, {});
  return session_->receive(opening);
}

void Connection::answer(Call& call) { session_->answer(call); }

void Connection::flush() {
  if (!session_ || closed_) return;
  Nanoseconds handed_over = 0;
  while (true) {
    if (out_.empty()) {
      session_->produce(out_);
      if (out_.empty()) break;
    }
    // Before the call that hands over the last byte: a client may read it before the call returns.
    handed_over = now_ns();
    if (!write()) return;
    if (out_.empty()) stamp(handed_over);
  }
  stamp(handed_over);  // nghttp2 tells of a last frame only when it is asked for the next
  block(false);
  closed_ = closed_ || failing_ || session_->finished();
}

// False: the socket takes no more, or is broken.
bool Connection::write() {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(out_.pieces());
  message.msg_iovlen = out_.count();
  const ssize_t written = sendmsg(socket_, &message, MSG_NOSIGNAL);
  if (written >= 0) {
    out_.written(static_cast<size_t>(written));
  } else if (errno == EAGAIN) {
    block(true);
    return false;
  } else if (errno != EINTR) {
    closed_ = true;
    return false;
  }
  return true;
}

void Connection::block(bool blocked) {
  if (blocked == blocked_) return;
  blocked_ = blocked;
  server_.watch(*this, blocked);
}

void Connection::stamp(Nanoseconds handed_over) {
  for (Log::Record& record : answered_) {
    record.answered = handed_over;
    server_.log().add(record);
  }
  answered_.clear();
}

Log::Record Connection::record_of(const Call& call) const {
  Log::Record record;
  record.number = call.number;
  record.arrival = call.arrival;
  record.start = call.start;
  record.end = call.end;
  record.connection = number_;
  record.stream = call.stream;
  record.port = port_;
  record.fate = static_cast<uint8_t>(call.fate);
  record.http2 = http2_;
  return record;
}

Call& Connection::open_call(uint32_t stream) {
  Call& call = server_.new_call();
  call.connection = this;
  call.stream = stream;
  call.next = calls_;
  if (calls_ != nullptr) calls_->previous = &call;
  calls_ = &call;
  return call;
}

void Connection::on_arrived(Call& call) {
  if (!reading_) server_.tick_at(0);  // pipelined: its turn has come
  server_.admit(call);
}

void Connection::on_answered(Call& call) {
  call.answered = true;
  if (server_.logs()) answered_.push_back(record_of(call));
}

void Connection::on_closed(Call& call) {
  const bool given_up = call.arrived && !call.answered;
  if (given_up && server_.logs()) server_.log().add(record_of(call));
  (call.previous != nullptr ? call.previous->next : calls_) = call.next;
  if (call.next != nullptr) call.next->previous = call.previous;
  server_.release(call);
}

}  // namespace redline
