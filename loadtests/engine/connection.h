// One connection: opens, carries requests, breaks, and opens again after a pause that grows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clock.h"
#include "output.h"
#include "request.h"
#include "session.h"
#include "transport.h"
#include "wire.h"

namespace redline {

class Worker;

class Connection final : private SessionEvents {
 public:
  Connection(Worker& worker, uint32_t number, uint32_t slots);

  // Begins to open, at once or when its pause is over.
  void engage(Nanoseconds now);
  bool has_slot() const {
    return state_ == State::ready && !blocked_ && !free_.empty() && used() < session_->capacity();
  }
  uint32_t used() const { return static_cast<uint32_t>(slots_.size() - free_.size()); }
  bool ready() const { return state_ == State::ready; }
  bool engaged() const { return state_ != State::idle && !leaving(); }
  // Surplus: takes no more requests.
  bool leaving() const { return state_ == State::leaving; }
  size_t slots() const { return slots_.size(); }
  // Of a connection without a request.
  void set_slots(uint32_t slots);

  // The caller has asked has_slot(), and fills the request. Null: the session takes no more.
  Request* take_slot();
  bool begin(Request& request);

  void on_socket(uint32_t events);
  void on_timer(Nanoseconds now);
  // Sends what waits to be sent.
  void flush();
  // Gives up a request that is counted already.
  void cancel(Request& request);
  // Takes no more requests; once it has none, `close_unused` ends it, which is no failure.
  void leave();
  void close_unused();
  // Adds what the kernel saw of this connection since the last time; nothing if it is not open.
  void read_wire(Wire& wire);
  bool open() const { return session_ != nullptr; }
  const std::string& address() const { return address_; }

  uint32_t number() const { return number_; }
  uint32_t generation() const { return generation_; }
  Nanoseconds timer() const { return timer_; }

  bool listed = false;  // among the worker's connections with a free slot
  bool dirty = false;   // among those with bytes to send

 private:
  enum class State { idle, pausing, connecting, handshaking, opening, ready, leaving };

  void on_ended(Request& request, Outcome outcome) override;
  void on_refused(Request& request) override;

  void open(Nanoseconds now);
  void connect();
  void finish_connect();
  void handshake();
  void advance_open(Transport::Status status);
  void on_open();
  void read();
  bool receive(std::string_view bytes);
  void watch();
  void set_timer(Nanoseconds when);
  void close(Outcome outcome, std::string_view why);
  void fail_open(const std::string& why);
  void release(Request& request);
  void forget_socket();
  Nanoseconds pause();

  Worker& worker_;
  const uint32_t number_;
  uint32_t generation_ = 0;
  State state_ = State::idle;
  Transport transport_;
  std::unique_ptr<Session> session_;
  Output out_;
  std::vector<Request> slots_;
  std::vector<Request*> free_;
  std::vector<Request*> starting_;  // begun, not yet written
  Wire seen_;  // the kernel's counters when they were read last
  std::string address_;
  size_t addresses_skipped_ = 0;  // from the one that its number gives: they did not answer
  size_t addresses_tried_ = 0;
  uint32_t failures_ = 0;  // connections in a row that brought no answer
  bool answered_ = false;
  bool blocked_ = false;   // the socket takes no more
  uint32_t watched_ = 0;
  Nanoseconds not_before_ = 0;
  Nanoseconds timer_ = kNever;
};

}  // namespace redline
