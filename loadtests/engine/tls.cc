#include "tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <string_view>

namespace redline {
namespace {

constexpr std::string_view kH2 = "\x02h2";
constexpr std::string_view kHttp1 = "\x08http/1.1";

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

}  // namespace

TlsContext::TlsContext(const Target& target)
    : target_(target), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const std::string_view alpn = target.protocol == Protocol::grpc ? kH2 : kHttp1;
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
  SSL_CTX_set_verify(context, target.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (target.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, target.ca_file.c_str(), nullptr) != 1) {
    throw std::runtime_error("CA file " + target.ca_file + ": " + tls_error(nullptr));
  }
}

SslPtr TlsContext::connect(int socket) const {
  SslPtr ssl(SSL_new(context_.get()), SSL_free);
  const std::string& name = target_.server_name.empty() ? target_.host : target_.server_name;
  if (is_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    SSL_set1_host(ssl.get(), name.c_str());
  }
  SSL_set_fd(ssl.get(), socket);
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string TlsContext::alpn_fault(const SSL* ssl) const {
  if (target_.protocol != Protocol::grpc) return {};
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &chosen, &size);
  const bool h2 = std::string_view(reinterpret_cast<const char*>(chosen), size) == kH2.substr(1);
  return h2 ? std::string{} : "the server does not offer h2 (ALPN), which gRPC needs";
}

std::string tls_error(const SSL* ssl) {
  const long verdict = ssl != nullptr ? SSL_get_verify_result(ssl) : X509_V_OK;
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (verdict != X509_V_OK) {
    return std::string("certificate: ") + X509_verify_cert_error_string(verdict);
  }
  if (code == 0) return "TLS: the peer closed";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

}  // namespace redline
