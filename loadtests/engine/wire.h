// What the kernel saw of connections: its counters of each socket (TCP_INFO), as differences.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace redline {

struct Wire {
  uint64_t sent_bytes = 0;      // of TCP's payload, those sent again included
  uint64_t received_bytes = 0;
  uint64_t segments_out = 0;
  uint64_t retransmitted = 0;   // of these, sent again
  uint64_t busy_us = 0;         // with data that was not acknowledged yet
  uint64_t rwnd_limited_us = 0; // of these, the peer's window held it back
  uint64_t sndbuf_limited_us = 0;
  uint64_t rtt_us = 0;          // the smoothed round trip, once for each reading
  uint64_t readings = 0;

  void add(const Wire& other);
};

// The counters of a socket since it was opened. None: the kernel does not have them all.
std::optional<Wire> wire_of(int socket);

// The counters' growth from `before` to `now`; of the round trip the reading itself.
Wire growth(const Wire& before, const Wire& now);

// What a thread's connections look like at the end of a window.
struct View {
  Wire wire;  // since the last one
  std::map<std::string, uint32_t> connections;  // that are open, by address

  void add(const View& other);
};

}  // namespace redline
