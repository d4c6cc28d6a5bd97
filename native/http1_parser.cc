#include "http1_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace redline {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte; }

// `text` is lower case.
bool same(std::string_view any_case, std::string_view text) {
  return any_case.size() == text.size() &&
         std::equal(any_case.begin(), any_case.end(), text.begin(),
                    [](char left, char right) { return lower(left) == right; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The comma-separated `list` names `token`.
bool lists(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (same(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool parse(std::string_view digits, int base, uint64_t& value) {
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  return error == std::errc{} && stop == end && !digits.empty();
}

}  // namespace

void Http1Parser::reset() {
  state_ = State::head;
  line_.clear();
  fault_.clear();
  trailer_bytes_ = 0;
  left_ = 0;
  sized_ = chunked_ = false;
  keep_alive_ = true;
}

size_t Http1Parser::feed(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && state_ != State::complete && state_ != State::failed) {
    const std::string_view rest = bytes.substr(taken);
    switch (state_) {
      case State::head: taken += head(rest); break;
      case State::sized:
      case State::until_close:
      case State::chunk: taken += body(rest); break;
      default: taken += line(rest); break;
    }
  }
  return taken;
}

bool Http1Parser::close() {
  if (state_ == State::until_close) finish();
  return state_ == State::complete;
}

// Usually a head comes whole and is read where it lies; only a part of one is copied.
size_t Http1Parser::head(std::string_view bytes) {
  if (line_.empty()) {
    const size_t end = bytes.find(kHeadEnd);
    if (end != std::string_view::npos && end <= kMostHead) {
      on_head(bytes.substr(0, end + 2));
      return end + kHeadEnd.size();
    }
  }
  const size_t before = line_.size();
  const size_t searched = before < 3 ? 0 : before - 3;
  line_.append(bytes.substr(0, kMostHead + kHeadEnd.size() - std::min(before, kMostHead)));
  const size_t end = line_.find(kHeadEnd, searched);
  if (end == std::string::npos) {
    if (line_.size() > kMostHead) fail("an endless head");
    return bytes.size();
  }
  const std::string whole = std::move(line_);
  line_.clear();
  on_head(std::string_view(whole).substr(0, end + 2));
  return end + kHeadEnd.size() - before;
}

size_t Http1Parser::body(std::string_view bytes) {
  const bool counted = state_ != State::until_close;
  const size_t size = counted ? std::min<uint64_t>(left_, bytes.size()) : bytes.size();
  events_.on_body(bytes.substr(0, size));
  if (!counted) return size;
  left_ -= size;
  if (left_ == 0) {
    if (state_ == State::chunk) {
      state_ = State::chunk_end;
    } else {
      finish();
    }
  }
  return size;
}

// One line of the chunked coding.
size_t Http1Parser::line(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  const size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + size > kMostHead) {
    fail("an endless line in the chunked coding");
    return bytes.size();
  }
  line_.append(bytes.substr(0, size));
  if (end == std::string_view::npos) return size;
  const std::string whole = std::move(line_);
  line_.clear();
  if (whole.size() < 2 || whole[whole.size() - 2] != '\r') {
    fail("a broken chunk");
  } else {
    on_line(std::string_view(whole).substr(0, whole.size() - 2));
  }
  return size;
}

void Http1Parser::on_line(std::string_view text) {
  if (state_ == State::chunk_size) {
    chunk_size(text.substr(0, text.find(';')));
  } else if (state_ == State::chunk_end) {
    if (!text.empty()) return fail("a chunk longer than its size");
    state_ = State::chunk_size;
  } else if (text.empty()) {
    finish();
  } else if ((trailer_bytes_ += text.size()) > kMostHead) {
    fail("endless trailers");
  }
}

void Http1Parser::chunk_size(std::string_view text) {
  if (!parse(trim(text), 16, left_)) return fail("a broken chunk size");
  state_ = left_ > 0 ? State::chunk : State::trailer;
}

// `text` holds the lines of a head, each with its end.
void Http1Parser::on_head(std::string_view text) {
  bool first = true;
  while (!text.empty() && state_ != State::failed) {
    const size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (first) {
      if (!start_line(line)) {
        return fail(kind_ == Kind::answers ? "not an HTTP/1.1 status line"
                                           : "not an HTTP/1.1 request line");
      }
      first = false;
    } else {
      field(line);
    }
  }
  if (state_ != State::failed) begin_body();
}

bool Http1Parser::start_line(std::string_view line) {
  return kind_ == Kind::answers ? status_line(line) : request_line(line);
}

bool Http1Parser::request_line(std::string_view line) {
  const size_t method = line.find(' ');
  const size_t target = line.rfind(' ');
  const bool shape = method != std::string_view::npos && method > 0 && target > method + 1;
  const std::string_view version = shape ? line.substr(target + 1) : std::string_view();
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  keep_alive_ = version.back() == '1';
  events_.on_method(line.substr(0, method));
  return true;
}

bool Http1Parser::status_line(std::string_view line) {
  uint64_t status = 0;
  const bool shape = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                     (line.size() == 12 || line[12] == ' ');
  if (!shape || !parse(line.substr(9, 3), 10, status) || status < 100) return false;
  if (line[7] == '0') keep_alive_ = false;
  status_ = static_cast<int>(status);
  return line[7] == '0' || line[7] == '1';
}

void Http1Parser::field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a head line without a name");
  const std::string_view name = line.substr(0, colon);
  if (name.find_first_of(" \t\r\n\0") != std::string_view::npos) return fail("a broken head line");
  if (name.size() < 10) return;
  const std::string_view value = trim(line.substr(colon + 1));
  if (same(name, "content-length")) {
    content_length(value);
  } else if (same(name, "transfer-encoding")) {
    if (!same(value, "chunked")) return fail("a transfer coding other than chunked");
    chunked_ = true;
  } else if (same(name, "connection")) {
    if (lists(value, "close")) keep_alive_ = false;
    if (lists(value, "keep-alive")) keep_alive_ = true;
  }
}

void Http1Parser::content_length(std::string_view value) {
  uint64_t length = 0;
  if (!parse(value, 10, length)) return fail("a broken content-length");
  if (sized_ && length != left_) return fail("two content-lengths that differ");
  sized_ = true;
  left_ = length;
}

void Http1Parser::begin_body() {
  if (chunked_ && sized_) return fail("both content-length and chunked");
  if (kind_ == Kind::answers) {
    begin_answer();
  } else {
    begin_sized();
  }
}

void Http1Parser::begin_answer() {
  if (status_ < 200 && status_ != 101) {  // an interim answer; the real one follows
    reset();
    return;
  }
  events_.on_status(status_);
  if (status_ == 204 || status_ == 304) {
    finish();
  } else if (chunked_ || sized_) {
    begin_sized();
  } else {
    keep_alive_ = false;
    state_ = State::until_close;
  }
}

// A body whose end is known by itself; a request that tells no length has none.
void Http1Parser::begin_sized() {
  if (chunked_) {
    state_ = State::chunk_size;
  } else {
    state_ = State::sized;
    if (left_ == 0) finish();
  }
}

void Http1Parser::finish() {
  state_ = State::complete;
  events_.on_complete();
}

void Http1Parser::fail(const char* why) {
  state_ = State::failed;
  keep_alive_ = false;
  fault_ = why;
}

}  // namespace redline
