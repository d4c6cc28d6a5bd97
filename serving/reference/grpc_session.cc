// gRPC unary calls over cleartext HTTP/2, on nghttp2, which does the framing, HPACK and flow
// control. Any path is answered, and no message is looked into.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "session.h"

namespace redline {
namespace {

constexpr int32_t kWindow = 1 << 30;  // requests are never held back: they are not kept either
constexpr uint32_t kStreams = 1 << 20;
constexpr size_t kFrameHead = 9;
constexpr size_t kMostAtOnce = 256 << 10;

std::string_view view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Of literals only: the flags promise that the bytes outlive the session.
nghttp2_nv header(std::string_view name, std::string_view value) {
  constexpr uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  auto* name_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
  auto* value_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  return {name_bytes, value_bytes, name.size(), value.size(), kNoCopy};
}

const std::array<nghttp2_nv, 2> kHead{
    header(":status", "200"), header("content-type", "application/grpc")};
const std::array<nghttp2_nv, 1> kGood{header("grpc-status", "0")};
const std::array<nghttp2_nv, 4> kError{
    kHead[0], kHead[1], header("grpc-status", "13"),
    header("grpc-message", "an error that was asked for")};
const std::array<nghttp2_nv, 4> kRejected{
    kHead[0], kHead[1], header("grpc-status", "8"), header("grpc-message", "the queue is full")};

class GrpcSession final : public Session {
 public:
  GrpcSession(const Replies& replies, SessionEvents& events);

  bool receive(std::string_view bytes) override;
  void answer(Call& call) override;
  void produce(Output& out) override;
  bool finished() const override {
    return broken_ || (nghttp2_session_want_read(session_.get()) == 0 &&
                       nghttp2_session_want_write(session_.get()) == 0);
  }

 private:
  friend struct Callbacks;

  const std::string& message(const Call& call) const {
    return replies_.message[static_cast<size_t>(call.fate)];
  }
  Call* find(int32_t stream);

  const Replies& replies_;
  SessionEvents& events_;
  std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_;
  Output* out_ = nullptr;
  bool broken_ = false;
  // nghttp2 calls back several times for each stream; this spares its hash table.
  int32_t last_stream_ = 0;
  Call* last_call_ = nullptr;
};

// nghttp2 is C: these turn its callbacks into calls.
struct Callbacks {
  static GrpcSession& self(void* user_data) { return *static_cast<GrpcSession*>(user_data); }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    const int32_t stream = frame->hd.stream_id;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Call& call = self(user_data).events_.open_call(static_cast<uint32_t>(stream));
    return nghttp2_session_set_stream_user_data(session, stream, &call);
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    const nghttp2_frame_hd& head = frame->hd;
    const bool request = head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_DATA;
    if (!request || (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Call* call = self(user_data).find(head.stream_id);
    if (call != nullptr) self(user_data).events_.on_arrived(*call);
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    const nghttp2_frame_hd& head = frame->hd;
    GrpcSession& session = self(user_data);
    if (head.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) session.broken_ = true;
    if (head.type != NGHTTP2_HEADERS || (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (Call* call = session.find(head.stream_id)) session.events_.on_answered(*call);
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t stream, uint32_t, void* user_data) {
    GrpcSession& session = self(user_data);
    Call* call = session.find(stream);
    session.last_stream_ = 0;
    session.last_call_ = nullptr;
    if (call != nullptr) session.events_.on_closed(*call);
    return 0;
  }

  static ssize_t read_message(nghttp2_session* session, int32_t stream, uint8_t*, size_t length,
                              uint32_t* flags, nghttp2_data_source* source, void* user_data) {
    const auto& call = *static_cast<Call*>(source->ptr);
    const size_t left = self(user_data).message(call).size() - call.body_sent;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= length) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      if (nghttp2_submit_trailer(session, stream, kGood.data(), kGood.size()) != 0) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
      }
    }
    return static_cast<ssize_t>(std::min(length, left));
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                       nghttp2_data_source* source, void* user_data) {
    GrpcSession& session = self(user_data);
    auto& call = *static_cast<Call*>(source->ptr);
    Output& out = *session.out_;
    if (!out.fits(kFrameHead + Output::kWorthReferring)) return NGHTTP2_ERR_WOULDBLOCK;
    out.copy(view(head, kFrameHead));
    out.refer(std::string_view(session.message(call)).substr(call.body_sent, size));
    call.body_sent += static_cast<uint32_t>(size);
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    nghttp2_session_callbacks* table = nullptr;
    if (nghttp2_session_callbacks_new(&table) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, begin_headers);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(table, send_data);
    return table;
  }

  static nghttp2_session* session(GrpcSession* self) {
    static nghttp2_session_callbacks* const callbacks = table();
    nghttp2_option* option = nullptr;
    if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
    const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> owner(option,
                                                                             nghttp2_option_del);
    nghttp2_option_set_no_closed_streams(option, 1);  // else they are kept, for priorities
    nghttp2_session* session = nullptr;
    if (nghttp2_session_server_new2(&session, callbacks, self, option) != 0) throw std::bad_alloc();
    return session;
  }
};

GrpcSession::GrpcSession(const Replies& replies, SessionEvents& events)
    : replies_(replies), events_(events), session_(Callbacks::session(this), nghttp2_session_del) {
  const std::array<nghttp2_settings_entry, 2> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
  }};
  nghttp2_submit_settings(session_.get(), 0, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), 0, 0, kWindow);
}

Call* GrpcSession::find(int32_t stream) {
  if (stream == last_stream_) return last_call_;
  last_stream_ = stream;
  last_call_ = static_cast<Call*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
  return last_call_;
}

bool GrpcSession::receive(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()),
                                  bytes.size()) >= 0;
}

void GrpcSession::answer(Call& call) {
  const auto stream = static_cast<int32_t>(call.stream);
  if (call.fate == Fate::right || call.fate == Fate::wrong) {
    nghttp2_data_provider body{};
    body.source.ptr = &call;
    body.read_callback = Callbacks::read_message;
    nghttp2_submit_response(session_.get(), stream, kHead.data(), kHead.size(), &body);
    return;
  }
  const auto& status = call.fate == Fate::rejected ? kRejected : kError;
  nghttp2_submit_response(session_.get(), stream, status.data(), status.size(), nullptr);
}

void GrpcSession::produce(Output& out) {
  out_ = &out;
  size_t moved = 0;
  // What mem_send returns is one frame; 16 KiB is the largest that it holds itself.
  while (moved < kMostAtOnce && out.fits(kFrameHead + (16 << 10) + Output::kWorthReferring)) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) broken_ = true;
    if (size <= 0) return;
    out.copy(view(bytes, static_cast<size_t>(size)));
    moved += static_cast<size_t>(size);
  }
}

}  // namespace

std::unique_ptr<Session> make_grpc(const Replies& replies, SessionEvents& events) {
  return std::make_unique<GrpcSession>(replies, events);
}

}  // namespace redline
