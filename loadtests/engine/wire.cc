#include "wire.h"

#include <linux/tcp.h>  // the C library's own lacks the newer counters
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace redline {

void Wire::add(const Wire& other) {
  sent_bytes += other.sent_bytes;
  received_bytes += other.received_bytes;
  segments_out += other.segments_out;
  retransmitted += other.retransmitted;
  busy_us += other.busy_us;
  rwnd_limited_us += other.rwnd_limited_us;
  sndbuf_limited_us += other.sndbuf_limited_us;
  rtt_us += other.rtt_us;
  readings += other.readings;
}

std::optional<Wire> wire_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  // An older kernel tells fewer; bytes_sent (Linux 4.19) is the newest that is needed.
  if (size < offsetof(tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent) return std::nullopt;
  return Wire{.sent_bytes = info.tcpi_bytes_sent,
              .received_bytes = info.tcpi_bytes_received,
              .segments_out = info.tcpi_segs_out,
              .retransmitted = info.tcpi_total_retrans,
              .busy_us = info.tcpi_busy_time,
              .rwnd_limited_us = info.tcpi_rwnd_limited,
              .sndbuf_limited_us = info.tcpi_sndbuf_limited,
              .rtt_us = info.tcpi_rtt,
              .readings = 1};
}

Wire growth(const Wire& before, const Wire& now) {
  // The kernel counts segments in 32 bits: their difference is right across an overflow as well.
  return {.sent_bytes = now.sent_bytes - before.sent_bytes,
          .received_bytes = now.received_bytes - before.received_bytes,
          .segments_out = static_cast<uint32_t>(now.segments_out - before.segments_out),
          .retransmitted = static_cast<uint32_t>(now.retransmitted - before.retransmitted),
          .busy_us = now.busy_us - before.busy_us,
          .rwnd_limited_us = now.rwnd_limited_us - before.rwnd_limited_us,
          .sndbuf_limited_us = now.sndbuf_limited_us - before.sndbuf_limited_us,
          .rtt_us = now.rtt_us,
          .readings = now.readings};
}

void View::add(const View& other) {
  wire.add(other.wire);
  for (const auto& [address, count] : other.connections) connections[address] += count;
}

}  // namespace redline
