#include "session.h"

#include "http1.h"
#include "http2_grpc.h"

namespace redline {

std::unique_ptr<Session> make_session(const Target& target, SessionEvents& events) {
  if (target.protocol == Protocol::grpc) return std::make_unique<Http2Grpc>(target, events);
  return std::make_unique<Http1>(target, events);
}

}  // namespace redline
