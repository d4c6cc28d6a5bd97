#include "transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace redline {

Transport::Status Transport::failed(int error) {
  fault_ = error == EADDRNOTAVAIL
               ? "no local port is free: too many connections were opened and closed"
               : strerror(error);
  return Status::failed;
}

Transport::Status Transport::connect(const Address& address) {
  close();
  socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return failed(errno);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* where = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket_, where, address.length) == 0) return Status::done;
  return errno == EINPROGRESS ? Status::blocked : failed(errno);
}

Transport::Status Transport::finish_connect(const TlsContext* tls) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return failed(error);
  if (tls == nullptr) return Status::done;
  ssl_ = tls->connect(socket_);
  return handshake(tls);
}

Transport::Status Transport::handshake(const TlsContext* tls) {
  if (!ssl_ || SSL_is_init_finished(ssl_.get())) return Status::done;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    const Status status = tls_status(result);
    if (status == Status::closed) fault_ = "TLS: the peer closed during the handshake";
    return status == Status::closed ? Status::failed : status;
  }
  fault_ = tls->alpn_fault(ssl_.get());
  wants_write_ = false;
  return fault_.empty() ? Status::done : Status::failed;
}

Transport::Status Transport::tls_status(int result) {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: wants_write_ = false; return Status::blocked;
    case SSL_ERROR_WANT_WRITE: wants_write_ = true; return Status::blocked;
    case SSL_ERROR_ZERO_RETURN: return Status::closed;
    case SSL_ERROR_SYSCALL: return saved == 0 ? Status::closed : failed(saved);
    default: break;
  }
  fault_ = tls_error(ssl_.get());
  return Status::failed;
}

Transport::Status Transport::read(char* buffer, size_t size, size_t& got) {
  got = 0;
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer, size, &got);
    return result == 1 ? Status::done : tls_status(result);
  }
  const ssize_t result = recv(socket_, buffer, size, 0);
  if (result > 0) {
    got = static_cast<size_t>(result);
    return Status::done;
  }
  if (result == 0) return Status::closed;
  return errno == EAGAIN || errno == EINTR ? Status::blocked : failed(errno);
}

Transport::Status Transport::write(Output& out) {
  if (ssl_) return write_tls(out);
  while (!out.empty()) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(out.pieces());
    message.msg_iovlen = out.count();
    const ssize_t result = sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (result < 0) return errno == EAGAIN || errno == EINTR ? Status::blocked : failed(errno);
    out.written(static_cast<size_t>(result));
  }
  return Status::done;
}

Transport::Status Transport::write_tls(Output& out) {
  while (!out.empty()) {
    const iovec& piece = out.pieces()[0];
    size_t written = 0;
    ERR_clear_error();
    errno = 0;
    const int result = SSL_write_ex(ssl_.get(), piece.iov_base, piece.iov_len, &written);
    if (result != 1) return tls_status(result);
    out.written(written);
  }
  wants_write_ = false;
  return Status::done;
}

void Transport::abort() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (socket_ >= 0) setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Transport::close() {
  if (ssl_) SSL_set_quiet_shutdown(ssl_.get(), 1);
  ssl_.reset();
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  wants_write_ = false;
  fault_.clear();
}

}  // namespace redline
