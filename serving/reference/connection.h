// One client's connection: finds out which protocol it speaks, and carries its calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "call.h"
#include "log.h"
#include "output.h"
#include "session.h"

namespace redline {

class Server;

class Connection final : private SessionEvents {
 public:
  // Owns `socket`, which does not block. `number` is one that no other connection has had.
  Connection(Server& server, int socket, uint32_t number, uint16_t port);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_socket(uint32_t events);
  // The caller sees to a flush, unless this is within on_socket.
  void answer(Call& call);
  // Sends what waits to be sent.
  void flush();

  // Of no more use.
  bool closed() const { return closed_; }
  int socket() const { return socket_; }

  size_t place = 0;    // among the server's connections
  bool dirty = false;  // among those with bytes to send

 private:
  Call& open_call(uint32_t stream) override;
  void on_arrived(Call& call) override;
  void on_answered(Call& call) override;
  void on_closed(Call& call) override;

  void read();
  bool receive(std::string_view bytes);
  bool write();
  // All that was produced is the kernel's since then.
  void stamp(Nanoseconds handed_over);
  Log::Record record_of(const Call& call) const;
  void block(bool blocked);

  Server& server_;
  const int socket_;
  const uint32_t number_;
  const uint16_t port_;
  bool http2_ = false;
  bool reading_ = false;
  bool blocked_ = false;  // the socket takes no more
  bool failing_ = false;  // the peer broke the protocol: what is left to say, then close
  bool closed_ = false;
  std::string opening_;   // first bytes that do not tell the protocol yet
  std::unique_ptr<Session> session_;
  Output out_;
  std::vector<Log::Record> answered_;  // whose last bytes are in the output
  Call* calls_ = nullptr;
};

}  // namespace redline
