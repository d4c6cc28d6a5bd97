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

std::vector<Address> resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) throw std::runtime_error("host " + host + ": " + gai_strerror(status));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.length = entry->ai_addrlen;
  }
  return addresses;
}

}  // namespace redline
