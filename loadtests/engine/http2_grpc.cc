#include "http2_grpc.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>

namespace redline {
namespace {

constexpr int32_t kWindow = 1 << 30;  // answers are never held back: they are not kept either
constexpr size_t kFrameHead = 9;
constexpr size_t kPrefix = 5;
constexpr size_t kMostAtOnce = 256 << 10;

nghttp2_nv header(std::string_view name, std::string_view value) {
  // The flags promise that the bytes outlive the session: they belong to it or are literals.
  constexpr uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  auto* name_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
  auto* value_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  return {name_bytes, value_bytes, name.size(), value.size(), kNoCopy};
}

std::string_view view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// At most eight digits (gRPC over HTTP/2, "Timeout").
std::string grpc_timeout(Nanoseconds timeout) {
  const int64_t us = std::max<int64_t>(1, timeout / 1000);
  if (us < 100'000'000) return std::to_string(us) + "u";
  return std::to_string(std::min<int64_t>(us / 1000, 99'999'999)) + "m";
}

int16_t parse_status(std::string_view text) {
  int16_t status = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool number = error == std::errc{} && end == text.data() + text.size();
  return number && status >= 0 ? status : static_cast<int16_t>(-1);
}

}  // namespace

// nghttp2 is C: these turn its callbacks into calls.
struct Http2Callbacks {
  static Http2Grpc& self(void* user_data) { return *static_cast<Http2Grpc*>(user_data); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user_data) {
    Request* request = self(user_data).find(frame->hd.stream_id);
    if (request != nullptr) {
      self(user_data).on_header(*request, view(name, name_size), view(value, value_size));
    }
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
                  void* user_data) {
    Request* request = self(user_data).find(stream);
    if (request != nullptr) self(user_data).on_data(*request, view(bytes, size));
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    Http2Grpc& session = self(user_data);
    const nghttp2_frame_hd& head = frame->hd;
    if (head.type == NGHTTP2_SETTINGS && (head.flags & NGHTTP2_FLAG_ACK) == 0) session.on_settings();
    if (head.type == NGHTTP2_GOAWAY) session.leaving_ = true;
    const bool answer = head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_DATA;
    if (answer && (head.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      if (Request* request = session.find(head.stream_id)) {
        request->notes.ended = true;
        // An early verdict: the server answered without reading the whole body.
        if (nghttp2_session_get_stream_local_close(session.session_.get(), head.stream_id) == 0) {
          nghttp2_submit_rst_stream(session.session_.get(), 0, head.stream_id, NGHTTP2_NO_ERROR);
        }
      }
    }
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      Http2Grpc& session = self(user_data);
      session.broken_ = true;
      if (session.fault_.empty()) {
        session.fault_ = nghttp2_http2_strerror(frame->goaway.error_code);
      }
    }
    return 0;
  }

  // A request that was never sent, because the peer's GOAWAY came first.
  static int frame_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int, void*) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    void* request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (request != nullptr) static_cast<Request*>(request)->notes.unsent = true;
    return 0;
  }

  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error,
                           void* user_data) {
    Http2Grpc& session = self(user_data);
    if (Request* request = session.find(frame->hd.stream_id)) {
      request->notes.malformed = true;
      request->answer.explain(nghttp2_strerror(error));
    } else {
      session.fault_ = nghttp2_strerror(error);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t stream, uint32_t error_code,
                           void* user_data) {
    Http2Grpc& session = self(user_data);
    if (Request* request = session.find(stream)) session.on_stream_closed(*request, error_code);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                           nghttp2_data_source* source, void* user_data) {
    auto& request = *static_cast<Request*>(source->ptr);
    const std::string& body = self(user_data).target_.bodies[request.body];
    const size_t size = std::min(length, body.size() - request.notes.body_sent);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (request.notes.body_sent + size == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                       nghttp2_data_source* source, void* user_data) {
    Http2Grpc& session = self(user_data);
    auto& request = *static_cast<Request*>(source->ptr);
    Output& out = *session.out_;
    if (!out.fits(kFrameHead + Output::kWorthReferring)) return NGHTTP2_ERR_WOULDBLOCK;
    const std::string& body = session.target_.bodies[request.body];
    out.copy(view(head, kFrameHead));
    out.refer(std::string_view(body).substr(request.notes.body_sent, size));
    request.notes.body_sent += static_cast<uint32_t>(size);
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    nghttp2_session_callbacks* table = nullptr;
    if (nghttp2_session_callbacks_new(&table) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_header_callback(table, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frame_not_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(table, send_data);
    return table;
  }

  static nghttp2_session* session(Http2Grpc* self) {
    static nghttp2_session_callbacks* const callbacks = table();
    nghttp2_option* option = nullptr;
    if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
    const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> owner(option,
                                                                             nghttp2_option_del);
    nghttp2_option_set_no_closed_streams(option, 1);  // else they are kept, for priorities
    nghttp2_option_set_peer_max_concurrent_streams(option, 0x7fffffff);  // we count ourselves
    nghttp2_session* session = nullptr;
    if (nghttp2_session_client_new2(&session, callbacks, self, option) != 0) {
      throw std::bad_alloc();
    }
    return session;
  }
};

Http2Grpc::Http2Grpc(const Target& target, SessionEvents& events)
    : target_(target),
      events_(events),
      authority_(target.authority()),
      timeout_(grpc_timeout(target.timeout)),
      session_(Http2Callbacks::session(this), nghttp2_session_del) {
  headers_ = {
      header(":method", "POST"),       header(":scheme", target.tls ? "https" : "http"),
      header(":path", target.path),    header(":authority", authority_),
      header("te", "trailers"),        header("content-type", "application/grpc"),
      header("user-agent", "redline"), header("grpc-timeout", timeout_),
  };
  for (const auto& [name, value] : target.headers) headers_.push_back(header(name, value));
  const std::array<nghttp2_settings_entry, 2> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
  }};
  nghttp2_submit_settings(session_.get(), 0, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), 0, 0, kWindow);
}

Request* Http2Grpc::find(int32_t stream) {
  if (stream == last_stream_) return last_request_;
  last_stream_ = stream;
  last_request_ =
      static_cast<Request*>(nghttp2_session_get_stream_user_data(session_.get(), stream));
  return last_request_;
}

bool Http2Grpc::begin(Request& request) {
  request.notes = {};
  nghttp2_data_provider body{};
  body.source.ptr = &request;
  body.read_callback = Http2Callbacks::read_body;
  const int32_t stream = nghttp2_submit_request(session_.get(), nullptr, headers_.data(),
                                                headers_.size(), &body, &request);
  if (stream < 0) {  // identifiers used up, or the session is closing
    leaving_ = true;
    return false;
  }
  request.notes.stream = stream;
  ++in_flight_;
  return true;
}

void Http2Grpc::produce(Output& out) {
  out_ = &out;
  size_t moved = 0;
  // What mem_send returns is one frame; 16 KiB is the largest that it holds itself.
  while (moved < kMostAtOnce && out.fits(kFrameHead + (16 << 10) + Output::kWorthReferring)) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) {
      broken_ = true;
      fault_ = nghttp2_strerror(static_cast<int>(size));
      return;
    }
    if (size == 0) return;
    out.copy(view(bytes, static_cast<size_t>(size)));
    moved += static_cast<size_t>(size);
  }
}

bool Http2Grpc::receive(std::string_view bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return true;
  fault_ = nghttp2_strerror(static_cast<int>(taken));
  return false;
}

bool Http2Grpc::cancel(Request& request) {
  return nghttp2_submit_rst_stream(session_.get(), 0, request.notes.stream, NGHTTP2_CANCEL) == 0;
}

bool Http2Grpc::finished() const {
  const bool idle = nghttp2_session_want_read(session_.get()) == 0 &&
                    nghttp2_session_want_write(session_.get()) == 0;
  return idle || broken_ || (leaving_ && in_flight_ == 0);
}

void Http2Grpc::on_settings() {
  capacity_ = nghttp2_session_get_remote_settings(session_.get(),
                                                  NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  ready_ = true;
}

void Http2Grpc::on_header(Request& request, std::string_view name, std::string_view value) {
  if (name == ":status") {
    request.notes.http_status = parse_status(value);
  } else if (name == "grpc-status") {
    request.notes.grpc_status = parse_status(value);
  } else if (name == "grpc-message") {
    request.answer.explain(value);
  }
}

// A unary answer is one message behind five bytes: a compression flag and a length.
void Http2Grpc::on_data(Request& request, std::string_view bytes) {
  auto& notes = request.notes;
  if (notes.http_status != 200) {
    request.answer.explain(bytes);
    return;
  }
  while (notes.prefix_bytes < kPrefix && !bytes.empty()) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    if (notes.prefix_bytes == 0) notes.malformed |= byte != 0;  // compressed, which we never offer
    if (notes.prefix_bytes > 0) notes.message_bytes = notes.message_bytes << 8 | byte;
    ++notes.prefix_bytes;
    bytes.remove_prefix(1);
  }
  request.answer.message(bytes);
}

Outcome Http2Grpc::judge(Request& request, uint32_t error_code) const {
  const auto& notes = request.notes;
  Answer& answer = request.answer;
  if (notes.malformed && notes.grpc_status <= 0) return {Kind::protocol};
  if (!notes.ended) {
    answer.explain("RST_STREAM ");
    answer.explain(nghttp2_http2_strerror(error_code));
    return {Kind::reset};
  }
  if (notes.http_status != 200) return {Kind::http, static_cast<uint16_t>(notes.http_status)};
  if (notes.grpc_status > 0) return {Kind::grpc, static_cast<uint16_t>(notes.grpc_status)};
  if (notes.grpc_status < 0) {
    answer.explain("the stream ended without a grpc-status");
    return {Kind::protocol};
  }
  if (notes.prefix_bytes != kPrefix || answer.size() != notes.message_bytes) {
    answer.explain("the answer is not one complete gRPC message");
    return {Kind::protocol};
  }
  return answer.judge();
}

void Http2Grpc::on_stream_closed(Request& request, uint32_t error_code) {
  last_stream_ = 0;
  last_request_ = nullptr;
  --in_flight_;
  const bool untouched = request.notes.http_status == 0 && !request.notes.malformed;
  const bool refused = error_code == NGHTTP2_REFUSED_STREAM || request.notes.unsent;
  if (refused && untouched && !request.counted) {
    events_.on_refused(request);
  } else {
    events_.on_ended(request, judge(request, error_code));
  }
}

}  // namespace redline
