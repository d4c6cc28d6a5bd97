// TLS by OpenSSL. Certificates and host names are verified unless the caller says otherwise.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "target.h"

namespace redline {

using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

class TlsContext {
 public:
  // Throws std::runtime_error: a CA file that cannot be read.
  explicit TlsContext(const Target& target);

  SslPtr connect(int socket) const;
  // Empty if the peer agreed on the protocol that the target needs.
  std::string alpn_fault(const SSL* ssl) const;

 private:
  const Target& target_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

// Why the last operation failed, in OpenSSL's words. Empties OpenSSL's queue of errors.
std::string tls_error(const SSL* ssl);

}  // namespace redline
