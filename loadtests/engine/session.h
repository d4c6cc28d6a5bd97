// The seam between a connection and a protocol: bytes in, bytes out, requests begun and ended.
// A session owns no socket and reads no clock, so a fuzzer can drive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "outcome.h"
#include "output.h"
#include "request.h"
#include "target.h"

namespace redline {

// What a session tells its connection.
class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  // The request's slot is free again. `outcome` is meaningless where the request is counted.
  virtual void on_ended(Request& request, Outcome outcome) = 0;
  // The server never looked at the request; it may be sent again. Its slot is free.
  virtual void on_refused(Request& request) = 0;
};

class Session {
 public:
  virtual ~Session() = default;

  // Requests that the peer lets be in flight together: 0 until the peer is ready, and once it is leaving.
  virtual uint32_t capacity() const = 0;
  // Whether the peer has shown that it speaks the protocol.
  virtual bool ready() const = 0;
  // False: this connection takes no more requests; `request` was not begun.
  virtual bool begin(Request& request) = 0;
  // Moves bytes that can be sent now.
  virtual void produce(Output& out) = 0;
  // False: the peer broke the protocol (`fault` says how), and the connection is of no more use.
  virtual bool receive(std::string_view bytes) = 0;
  // The peer will send no more. An answer that ends with the connection ends here.
  virtual void peer_closed() {}
  // Stop waiting for a request. False: only closing the connection can.
  virtual bool cancel(Request& request) = 0;
  // Nothing more will come or go: close the connection, which is no failure.
  virtual bool finished() const = 0;

  const std::string& fault() const { return fault_; }

 protected:
  std::string fault_;
};

std::unique_ptr<Session> make_session(const Target& target, SessionEvents& events);

}  // namespace redline
