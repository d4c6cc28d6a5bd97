// The reference server: known service times, its own log as ground truth. Answers gRPC over
// cleartext HTTP/2 and HTTP/1.1 on one port of the loopback interface.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

#include "options.h"
#include "server.h"

namespace redline {
namespace {

constexpr int kUsage = 2;
constexpr int kBacklog = 4096;

Server* running = nullptr;

// A socket that listens, and its port. Throws std::runtime_error.
std::pair<int, uint16_t> listen_on(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, where, size) != 0 || listen(listener, kBacklog) != 0) {
    throw std::runtime_error("port " + std::to_string(port) + " cannot be had (" + strerror(errno) +
                             "): stop what uses it, or let --port 0 find one");
  }
  getsockname(listener, where, &size);
  return {listener, ntohs(address.sin_port)};
}

// Opened at the start, so that a path that cannot be written is known before an hour has passed.
int open_log(const std::string& path) {
  if (path.empty()) return -1;
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw UsageError("--log " + path + ": " + strerror(errno));
  return file;
}

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void stop_on_signals(Server& server) {
  running = &server;
  struct sigaction action{};
  action.sa_handler = [](int) { running->stop(); };
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaction(number, &action, nullptr);
}

void serve(const Options& options) {
  const auto [listener, port] = listen_on(options.port);
  const int log = open_log(options.log);
  raise_file_limit();
  prctl(PR_SET_TIMERSLACK, 1UL);  // the default of 50 us would be added to each service time
  Server server(options, listener);
  stop_on_signals(server);
  std::printf("ready on grpc://127.0.0.1:%d and http://127.0.0.1:%d\n", port, port);
  std::fflush(stdout);
  server.run();
  if (log < 0) return;
  try {
    server.log().write(log, server.started());
  } catch (const std::system_error& error) {
    throw std::runtime_error("--log " + options.log + ": " + error.code().message());
  }
}

}  // namespace
}  // namespace redline

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    redline::serve(redline::parse_options(count, arguments));
  } catch (const redline::UsageError& error) {
    std::fprintf(stderr, "redline: %s\n", error.what());
    return redline::kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "redline: %s\n", error.what());
    return 1;
  }
  return 0;
}
