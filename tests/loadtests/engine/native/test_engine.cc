// The whole engine with several threads, driven and read from two others: for TSan.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <thread>
#include <vector>

#include "check.h"
#include "engine.h"

using namespace redline;

namespace {

// Answers every request; closes a connection after some, as servers do.
class Server {
 public:
  Server() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(listen(listener_, 64) == 0);
    CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }

  uint16_t port = 0;

 private:
  void accept_all() {
    while (true) {
      const int accepted = accept(listener_, nullptr, nullptr);
      if (accepted < 0) return;
      threads_.emplace_back([accepted] { serve(accepted); });
    }
  }

  static void serve(int accepted) {
    constexpr std::string_view reply = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    char buffer[4096];
    for (int answers = 0; answers < 500 && recv(accepted, buffer, sizeof buffer, 0) > 0; ++answers) {
      if (send(accepted, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(accepted);
  }

  int listener_;
  std::thread acceptor_;
  std::vector<std::thread> threads_;
};

struct Sums {
  uint64_t due = 0, right = 0, wrong = 0, unsent = 0, recorded = 0, sent_bytes = 0;

  void add(Engine& engine) {
    for (Window& window : engine.poll_windows()) {
      due += window.counts->due;
      right += window.counts->right;
      unsent += window.counts->unsent;
      for (const auto& [kind, count] : window.counts->wrong.kinds()) wrong += count;
      recorded += window.counts->times[1][kResponse].total();
      sent_bytes += window.view.wire.sent_bytes;
      engine.recycle(std::move(window.counts));
    }
    for (const Sample& sample : engine.poll_samples()) CHECK(sample.answer == "ok");
  }
};

Target target_at(uint16_t port) {
  Target target;
  target.protocol = Protocol::http1;
  target.host = "127.0.0.1";
  target.port = port;
  target.path = "/";
  target.bodies = {"{}"};
  target.expected = {"ok"};
  target.connections = 9;
  target.threads = 3;
  target.window = 50 * kMillisecond;  // 64 of them are kept for a reader that comes late
  return target;
}

}  // namespace

int main() {
  Server server;
  Engine engine(target_at(server.port), "warmup");
  engine.start({"127.0.0.1"});
  std::atomic<bool> over = false;
  Sums sums;
  std::atomic<uint64_t> answered = 0;
  std::thread reader([&] {
    while (!over) {
      sums.add(engine);
      answered = sums.right;
      // Not at once again: under a sanitizer the engine's threads would not get its lock.
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  // As many rounds as it takes: a sanitizer, or other work on the machine, may slow all of it.
  for (uint64_t round = 0; round < 6 || (answered <= 500 && round < 300); ++round) {
    const auto connections = static_cast<uint32_t>(3 + round % 3);
    engine.set_users(5 + round % 6, 0, 0, {.connections = connections, .streams = 1});
    engine.set_phase("users");
    if (round % 4 == 3) engine.set_addresses({"127.0.0.1"}, round, 2);  // under load
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    engine.set_rate(3000, Arrivals::poisson, 50, {.connections = 1, .streams = 1});
    engine.set_phase("rate");
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    if (round % 2 == 1) CHECK(engine.drain(5 * kSecond));
  }
  engine.set_users(9, 0);
  engine.stop();
  over = true;
  reader.join();
  sums.add(engine);
  CHECK(sums.right > 500);
  CHECK(sums.due == sums.right + sums.wrong + sums.unsent);
  CHECK(sums.recorded == sums.right);
  CHECK(sums.sent_bytes > sums.right);
  return 0;
}
