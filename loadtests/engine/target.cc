#include "target.h"

#include <netdb.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace redline {

std::string Target::authority() const {
  const bool bare_v6 = host.find(':') != std::string::npos;
  const std::string name = bare_v6 ? "[" + host + "]" : host;
  const bool usual = protocol == Protocol::http1 && port == (tls ? 443 : 80);
  return usual ? name : name + ":" + std::to_string(port);
}

Address address_of(const std::string& text, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) throw std::runtime_error("address " + text + ": " + gai_strerror(status));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  Address address{.length = found->ai_addrlen, .text = text};
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  return address;
}

}  // namespace redline
