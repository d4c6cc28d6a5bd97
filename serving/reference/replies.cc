#include "replies.h"

namespace redline {
namespace {

std::string framed(const std::string& message) {
  std::string prefix(5, '\0');
  for (size_t index = 1; index < prefix.size(); ++index) {
    prefix[index] = static_cast<char>(message.size() >> (8 * (4 - index)));
  }
  return prefix + message;
}

// As long as the right one, and never the same.
std::string spoilt(std::string answer) {
  if (answer.empty()) return "wrong";
  answer.back() = static_cast<char>(~answer.back());
  return answer;
}

Replies::Http1 http1_reply(const char* status, const std::string& body) {
  const std::string head = std::string("HTTP/1.1 ") + status +
                           "\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n";
  return {head + "\r\n", head + "Connection: close\r\n\r\n", body};
}

constexpr size_t place(Fate fate) { return static_cast<size_t>(fate); }

}  // namespace

Replies::Replies(const std::string& answer) {
  http1[place(Fate::right)] = http1_reply("200 OK", answer);
  http1[place(Fate::wrong)] = http1_reply("200 OK", spoilt(answer));
  http1[place(Fate::error)] = http1_reply("500 Internal Server Error", "an error that was asked for\n");
  http1[place(Fate::rejected)] = http1_reply("503 Service Unavailable", "the queue is full\n");
  message[place(Fate::right)] = framed(answer);
  message[place(Fate::wrong)] = framed(spoilt(answer));
}

}  // namespace redline
