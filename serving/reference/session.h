// The seam between a connection and a protocol: bytes in, bytes out, calls that arrive and are
// answered. A session owns no socket and reads no clock.
#pragma once

#include <memory>
#include <string_view>

#include "call.h"
#include "output.h"
#include "replies.h"

namespace redline {

// What a session tells its connection.
class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  virtual Call& open_call(uint32_t stream) = 0;
  // The call's last byte came. The answer may be asked for before this returns.
  virtual void on_arrived(Call& call) = 0;
  // The answer's last byte was moved to the output.
  virtual void on_answered(Call& call) = 0;
  // The session knows the call no more.
  virtual void on_closed(Call& call) = 0;
};

class Session {
 public:
  virtual ~Session() = default;

  // False: the peer broke the protocol. What is still in the output may be sent.
  virtual bool receive(std::string_view bytes) = 0;
  virtual void answer(Call& call) = 0;
  // Moves bytes that can be sent now.
  virtual void produce(Output& out) = 0;
  // Nothing more will come or go: close the connection.
  virtual bool finished() const = 0;
};

std::unique_ptr<Session> make_http1(const Replies& replies, SessionEvents& events);
std::unique_ptr<Session> make_grpc(const Replies& replies, SessionEvents& events);

}  // namespace redline
