// A non-blocking socket, with TLS on it or not.
#pragma once

#include <string>
#include <string_view>

#include "output.h"
#include "target.h"
#include "tls.h"

namespace redline {

class Transport {
 public:
  enum class Status { done, blocked, closed, failed };

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport() { close(); }

  // Begins to connect. Blocked: wait until writable, then call finish_connect.
  Status connect(const Address& address);
  // `tls` may be null.
  Status finish_connect(const TlsContext* tls);
  // Continues TLS's handshake; done at once without TLS.
  Status handshake(const TlsContext* tls);

  // Reads up to `size` bytes into `buffer`; `got` says how many.
  Status read(char* buffer, size_t size, size_t& got);
  // Writes all of `out`, or as much as the socket takes.
  Status write(Output& out);

  void close();
  // Closes with RST: else each connection that a server ends would hold a local port for a minute.
  void abort();
  int socket() const { return socket_; }
  bool tls() const { return ssl_ != nullptr; }
  bool wants_write() const { return wants_write_; }  // a handshake or TLS record waits to be sent
  const std::string& fault() const { return fault_; }

 private:
  Status failed(int error);
  Status tls_status(int result);
  Status write_tls(Output& out);

  int socket_ = -1;
  SslPtr ssl_{nullptr, SSL_free};
  bool wants_write_ = false;
  std::string fault_;
};

}  // namespace redline
