// Drives one session with bytes of the fuzzer's choice, in pieces of its choice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "session.h"

namespace redline {

inline void require(bool truth) {
  if (!truth) std::abort();
}

class FuzzSession final : private SessionEvents {
 public:
  explicit FuzzSession(const Target& target) : session_(make_session(target, *this)), slots_(4) {}

  // Each piece of `data` begins with one byte: its length, and whether to write or cancel first.
  void run(std::string_view data) {
    begin();
    while (!data.empty() && !session_->finished()) {
      const auto control = static_cast<uint8_t>(data.front());
      data.remove_prefix(1);
      const std::string_view piece = data.substr(0, control & 0x3f);
      data.remove_prefix(piece.size());
      if ((control & 0x40) != 0) write();
      if ((control & 0x80) != 0) cancel();
      if (!session_->receive(piece)) return;
      begin();
    }
    write();
    session_->peer_closed();
  }

 private:
  struct Slot {
    Request request;
    bool busy = false;
  };

  void on_ended(Request& request, Outcome outcome) override {
    free(request);
    require(!name_of(outcome).empty());
    if (outcome.right()) require(request.notes.ended || request.notes.http_status >= 200);
    require(request.answer.detail().size() <= Answer::kDetailBytes);
  }

  void on_refused(Request& request) override { free(request); }

  void free(Request& request) {
    for (Slot& slot : slots_) {
      if (&slot.request != &request) continue;
      require(slot.busy);  // each request ends once
      slot.busy = false;
    }
  }

  void begin() {
    for (Slot& slot : slots_) {
      const auto used = std::ranges::count_if(slots_, [](const Slot& one) { return one.busy; });
      if (slot.busy || static_cast<uint32_t>(used) >= session_->capacity()) continue;
      slot.request.answer.begin(&expected_, true);
      slot.busy = session_->begin(slot.request);
    }
    write();
  }

  void write() {
    out_.clear();
    for (int rounds = 0; rounds < 8; ++rounds) {
      session_->produce(out_);
      if (out_.empty()) return;
      out_.clear();
    }
  }

  void cancel() {
    for (Slot& slot : slots_) {
      if (!slot.busy || slot.request.counted) continue;
      slot.request.counted = true;
      session_->cancel(slot.request);
      return;
    }
  }

  const std::string expected_ = "ok";
  std::unique_ptr<Session> session_;
  std::vector<Slot> slots_;
  Output out_;
};

inline Target fuzz_target(Protocol protocol) {
  Target target;
  target.protocol = protocol;
  target.host = "localhost";
  target.port = 1;
  target.path = "/a.B/C";
  target.bodies = {std::string(3000, 'x')};
  return target;
}

}  // namespace redline
