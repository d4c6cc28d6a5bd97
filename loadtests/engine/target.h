// What to send, where to, and what to expect. Built once, then only read, by all threads.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"

namespace redline {

enum class Protocol { grpc, http1 };
enum class Order { cycle, random };

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;
};

// Where a host is. Connection k of thread t of an engine has the address number
// `first + step * (t + threads * k)`, round and round: so several engines share the addresses out.
struct Addresses {
  std::vector<Address> all;
  uint64_t first = 0;
  uint64_t step = 1;
};

// Over how many connections a load is spread, of all threads or of one, and how many requests each
// of them may have in flight (HTTP/1.1 has one). 0 of both: as before.
struct Spread {
  uint32_t connections = 0;
  uint32_t streams = 0;
};

struct Target {
  Protocol protocol = Protocol::grpc;
  std::string host;
  uint16_t port = 0;
  std::string path;
  std::string method = "POST";  // of HTTP/1.1
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> bodies;    // as sent: gRPC messages behind their prefix
  std::vector<std::string> expected;  // one for each body, or empty: any complete answer is right
  Order order = Order::cycle;
  uint64_t seed = 0;

  bool tls = false;
  bool verify = true;
  std::string ca_file;      // empty: the system's
  std::string server_name;  // for SNI and the certificate; empty: the host

  uint32_t connections = 8;
  uint32_t streams = 32;  // of one HTTP/2 connection; HTTP/1.1 has one
  bool pack = false;      // fill a connection's streams before another is opened
  uint32_t threads = 1;
  Nanoseconds timeout = 10 * kSecond;
  Nanoseconds window = kSecond;
  uint32_t samples_per_window = 8;

  // "host:port", with brackets around an IPv6 address; the port only where it is not the default.
  std::string authority() const;
};

// An IP address as text. Throws std::runtime_error.
Address address_of(const std::string& text, uint16_t port);

}  // namespace redline
