// HTTP/1.1 with kept-alive connections. A pipelined request waits until the one before it is
// answered, and arrives only then.
#include <algorithm>
#include <string>

#include "http1_parser.h"
#include "session.h"

namespace redline {
namespace {

constexpr size_t kMostPipelined = 1 << 20;
constexpr std::string_view kBadRequest =
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

class Http1Session final : public Session, private Http1Parser::Events {
 public:
  Http1Session(const Replies& replies, SessionEvents& events)
      : replies_(replies), events_(events), parser_(*this, Http1Parser::Kind::requests) {}

  bool receive(std::string_view bytes) override {
    if (leaving_) return true;
    if (call_ == nullptr) bytes.remove_prefix(parse(bytes));
    if (!leaving_) waiting_.append(bytes);
    return waiting_.size() <= kMostPipelined;
  }

  void answer(Call&) override { ready_ = true; }

  void produce(Output& out) override {
    while (ready_ && out.fits(Output::kWorthReferring)) {
      write(out);
      finish();
    }
    if (bad_ && !refused_ && out.fits(kBadRequest.size())) {
      out.copy(kBadRequest);
      refused_ = true;
    }
  }

  bool finished() const override { return leaving_ && call_ == nullptr && (!bad_ || refused_); }

 private:
  // Up to the end of one request; answers how many bytes were taken.
  size_t parse(std::string_view bytes) {
    const size_t taken = parser_.feed(bytes);
    if (!parser_.fault().empty()) bad_ = leaving_ = true;
    if (parser_.complete()) {
      call_ = &events_.open_call(++order_);
      call_->head_only = head_only_;
      events_.on_arrived(*call_);
    }
    return taken;
  }

  void write(Output& out) {
    const Replies::Http1& reply = replies_.http1[static_cast<size_t>(call_->fate)];
    out.copy(parser_.keep_alive() ? reply.keep : reply.close);
    if (!call_->head_only) out.refer(reply.body);
  }

  void finish() {
    Call& call = *call_;
    call_ = nullptr;
    ready_ = false;
    leaving_ = !parser_.keep_alive();
    parser_.reset();
    events_.on_answered(call);
    events_.on_closed(call);
    if (!leaving_ && !waiting_.empty()) waiting_.erase(0, parse(waiting_));
  }

  void on_method(std::string_view method) override { head_only_ = method == "HEAD"; }
  void on_body(std::string_view) override {}
  void on_complete() override {}

  const Replies& replies_;
  SessionEvents& events_;
  Http1Parser parser_;
  Call* call_ = nullptr;  // that is being served; there is one at a time
  std::string waiting_;   // what came behind it
  uint32_t order_ = 0;
  bool head_only_ = false;
  bool ready_ = false;    // the answer to call_ may be sent
  bool leaving_ = false;
  bool bad_ = false;
  bool refused_ = false;
};

}  // namespace

std::unique_ptr<Session> make_http1(const Replies& replies, SessionEvents& events) {
  return std::make_unique<Http1Session>(replies, events);
}

}  // namespace redline
