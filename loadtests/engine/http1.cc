#include "http1.h"

namespace redline {
namespace {

bool names(const Target& target, std::string_view wanted) {
  for (const auto& [name, value] : target.headers) {
    if (name == wanted) return true;
  }
  return false;
}

std::string head_of(const Target& target) {
  std::string head = target.method + " " + target.path + " HTTP/1.1\r\n";
  if (!names(target, "host")) head += "host: " + target.authority() + "\r\n";
  if (!names(target, "user-agent")) head += "user-agent: redline\r\n";
  for (const auto& [name, value] : target.headers) head += name + ": " + value + "\r\n";
  return head + "content-length: ";
}

}  // namespace

Http1::Http1(const Target& target, SessionEvents& events)
    : target_(target), events_(events), head_(head_of(target)), parser_(*this) {}

bool Http1::begin(Request& request) {
  request.notes = {};
  parser_.reset();
  request_ = &request;
  unwritten_ = true;
  return true;
}

void Http1::produce(Output& out) {
  if (!unwritten_) return;
  const std::string& body = target_.bodies[request_->body];
  length_ = std::to_string(body.size()) + "\r\n\r\n";
  if (!out.fits(head_.size() + length_.size() + Output::kWorthReferring)) return;
  out.copy(head_);
  out.copy(length_);
  out.refer(body);
  unwritten_ = false;
}

bool Http1::receive(std::string_view bytes) {
  if (request_ == nullptr || unwritten_) {
    fault_ = "bytes that no request asked for";
    return false;
  }
  const size_t taken = parser_.feed(bytes);
  if (!parser_.fault().empty()) {
    fault_ = parser_.fault();
    return false;
  }
  if (!parser_.complete()) return true;
  // Only now: the next request may begin within on_ended, and resets the parser.
  Request& request = *request_;
  Outcome outcome = judge();
  leaving_ = !parser_.keep_alive();
  if (taken < bytes.size()) {
    leaving_ = true;
    outcome = {Kind::protocol};
    request.answer.explain("more bytes than the answer's length");
  }
  request_ = nullptr;
  events_.on_ended(request, outcome);
  return true;
}

void Http1::peer_closed() {
  leaving_ = true;
  if (request_ == nullptr || !parser_.close()) return;
  const Outcome outcome = judge();
  Request& request = *request_;
  request_ = nullptr;
  events_.on_ended(request, outcome);
}

void Http1::on_status(int status) {
  request_->notes.http_status = static_cast<int16_t>(status);
}

void Http1::on_body(std::string_view bytes) {
  if (request_->notes.http_status != 200) request_->answer.explain(bytes);
  request_->answer.message(bytes);
}

void Http1::on_complete() { request_->notes.ended = true; }

Outcome Http1::judge() const {
  const auto status = static_cast<uint16_t>(request_->notes.http_status);
  if (status < 200 || status > 299) return {Kind::http, status};
  return request_->answer.judge();
}

}  // namespace redline
