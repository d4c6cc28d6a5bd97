#include "worker.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace redline {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kMostKnown = 64;
constexpr Nanoseconds kBetweenReadings = kSecond - 50 * kMillisecond;  // the windows' ends jitter

uint64_t seed_of(const Target& target, uint32_t number, uint64_t purpose) {
  return Random(target.seed * 0x100000001b3ULL + number * 8ULL + purpose).next();
}

uint64_t event_data(const Connection& connection) {
  return static_cast<uint64_t>(connection.number()) << 32 | connection.generation();
}

}  // namespace

Worker::Worker(const Target& target, std::shared_ptr<const Addresses> addresses,
               const TlsContext* tls, uint32_t number, std::string phase, WorkerEvents& events)
    : target_(target),
      addresses_(std::move(addresses)),
      tls_(tls),
      number_(number),
      events_(events),
      buffer_(kReadBytes),
      random_(seed_of(target, number, 0)),
      open_(seed_of(target, number, 1)),
      sampler_(seed_of(target, number, 2), target.samples_per_window),
      pool_(*this, target, number),
      cutter_(number, target.window, std::move(phase)) {}

Worker::~Worker() { join(); }

void Worker::start(Nanoseconds first_window) {
  now_ = first_window;
  cutter_.start(first_window);
  thread_ = std::thread([this] { run(); });
}

void Worker::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  has_commands_.store(true, std::memory_order_release);
  poller_.wake();
}

void Worker::join() {
  if (!thread_.joinable()) return;
  post({.kind = Command::Kind::stop});
  thread_.join();
}

void Worker::run() {
  sigset_t all;
  sigfillset(&all);  // Python's main thread handles signals; a broken pipe is an error, not a death
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "redline-engine");
  prctl(PR_SET_TIMERSLACK, 1UL);  // the default of 50 us would be the generator's own lag
  cutter_.measure_this_thread();
  while (!stopping_) {
    tick(now_ns());
    if (has_commands_.exchange(false, std::memory_order_acquire)) obey(now_);
    pool_.tidy(now_);
    run_timers();
    expire();
    settle(nullptr);
    flush_dirty();
    if (draining_) go_on_draining();
    wait();
  }
}

void Worker::wait() {
  const Nanoseconds wake = next_wake();
  const Nanoseconds left = wake == kNever ? kNever : std::max<Nanoseconds>(0, wake - now_ns());
  for (const epoll_event& event : poller_.wait(left)) {
    if (event.data.u64 == Poller::kWoken) continue;
    Connection& connection = pool_.at(event.data.u64 >> 32);
    // An event of a socket that was closed meanwhile is stale.
    if (event_data(connection) != event.data.u64) continue;
    tick(now_ns());
    connection.on_socket(event.events);
    if (open_.next() <= now_) fall_due(nullptr);
    flush_dirty();
  }
}

Nanoseconds Worker::next_wake() const {
  Nanoseconds wake = std::min({closed_.next(), open_.next(), cutter_.next()});
  if (in_flight_.first() != nullptr) wake = std::min(wake, in_flight_.first()->deadline);
  if (!timers_.empty()) wake = std::min(wake, timers_.top().first);
  return draining_ ? std::min(wake, drain_end_) : wake;
}

void Worker::obey(Nanoseconds now) {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) obey(command, now);
  tick(now);
}

void Worker::obey(const Command& command, Nanoseconds now) {
  fall_due(nullptr);  // what was due under the old load
  switch (command.kind) {
    case Command::Kind::users:
      open_.set(now, 0, Arrivals::constant, 0);
      closed_.set(now, command.users, command.think, command.gap);
      break;
    case Command::Kind::rate:
      closed_.set(now, 0, 0);
      open_.set(now, command.rate, command.arrivals, command.offset);
      backlog_ = command.backlog;
      break;
    case Command::Kind::schedule:
      closed_.set(now, 0, 0);
      open_.follow(now, command.schedule, number_, target_.threads);
      backlog_ = command.backlog;
      break;
    case Command::Kind::addresses:
      addresses_ = command.addresses;
      pool_.leave_all();
      break;
    case Command::Kind::phase: cutter_.ask({command.when, command.tag}); break;
    case Command::Kind::cut: cutter_.ask({command.when}); break;
    case Command::Kind::drain:
      closed_.set(now, 0, 0);
      open_.set(now, 0, Arrivals::constant, 0);
      draining_ = true;
      drain_end_ = command.when;
      break;
    case Command::Kind::stop: stopping_ = true; break;
  }
  pool_.spread(command.spread, now);
}

void Worker::run_timers() {
  while (!timers_.empty() && timers_.top().first <= now_) {
    const auto [when, connection] = timers_.top();
    timers_.pop();
    if (connection->timer() == when) connection->on_timer(now_);
  }
}

void Worker::expire() {
  while (in_flight_.first() != nullptr && in_flight_.first()->deadline <= now_) {
    Request& request = *in_flight_.first();
    count_end(request, {Kind::timeout});
    request.connection->cancel(request);
  }
}

void Worker::go_on_draining() {
  if (now_ >= drain_end_) {
    while (!queue_.empty()) count_unsent();
    while (in_flight_.first() != nullptr) {
      Request& request = *in_flight_.first();
      count_end(request, {Kind::unfinished});
      request.connection->cancel(request);
    }
    flush_dirty();
  }
  if (in_flight_.count() > 0 || !queue_.empty()) return;
  draining_ = false;
  events_.on_idle();
}

void Worker::count_unsent() {
  const Due due = queue_.pop_front();
  due.phase->counts->unsent++;
  due.phase->open--;
  if (due.of_user) closed_.ended(now_);
}

void Worker::watch(Connection& connection, int socket, uint32_t events, bool known) {
  poller_.watch(socket, events, event_data(connection), known);
}

void Worker::add_timer(Nanoseconds when, Connection& connection) {
  timers_.emplace(when, &connection);
}

void Worker::mark_dirty(Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(&connection);
}

void Worker::flush_dirty() {
  for (size_t index = 0; index < dirty_.size(); ++index) {  // a flush may add to the list
    Connection& connection = *dirty_[index];
    connection.dirty = false;
    connection.flush();
  }
  dirty_.clear();
}

void Worker::opened(Connection& connection) {
  pool_.opened();
  offer(connection);
}

void Worker::closed(Connection& connection, bool was_ready, Outcome outcome, std::string_view why) {
  if (!pool_.closed(connection, was_ready)) fail_queued(outcome, why);
  want_connections();
}

// Where no connection can be had, a request fails for each attempt; the others go on waiting.
void Worker::fail_queued(Outcome outcome, std::string_view why) {
  if (queue_.empty()) return;
  const Due due = queue_.pop_front();
  due.phase->open--;
  count(*due.phase, outcome, why);
  if (due.of_user) closed_.ended(now_);
}

void Worker::offer(Connection& connection) {
  if (pool_.offer(connection, now_)) serve_queue();
}

void Worker::settle(Connection* preferred) {
  if (preferred != nullptr) offer(*preferred);
  serve_queue();
  fall_due(preferred);
}

void Worker::serve_queue() {
  while (!queue_.empty()) {
    Connection* connection = pool_.pick(nullptr, in_flight_.count());
    if (connection == nullptr) return want_connections();
    const Due due = queue_.pop_front();
    if (!begin(*connection, due, std::max({due.due, due.not_before, pool_.starved_until()}))) {
      queue_.push_front(due);
    }
  }
}

void Worker::fall_due(Connection* preferred) {
  while (closed_.next() <= now_) {
    const Nanoseconds due = closed_.next();
    closed_.pop();
    place(due, /*of_user=*/true, preferred);
  }
  while (open_.next() <= now_) {
    const Nanoseconds due = open_.next();
    open_.pop();
    place(due, /*of_user=*/false, nullptr);
  }
}

void Worker::place(Nanoseconds due, bool of_user, Connection* preferred) {
  Phase& phase = cutter_.phase_of(due);
  phase.counts->due++;
  const Due entry{.due = due, .phase = &phase, .body = next_body(), .of_user = of_user};
  while (queue_.empty()) {
    Connection* connection = pool_.pick(preferred, in_flight_.count());
    if (connection == nullptr) break;
    phase.open++;
    if (begin(*connection, entry, std::max(due, pool_.starved_until()))) return;
    phase.open--;
  }
  if (!of_user && queue_.size() >= backlog_) {
    phase.counts->unsent++;
    return;
  }
  phase.open++;
  queue_.push_back(entry);
  want_connections();
}

bool Worker::begin(Connection& connection, const Due& due, Nanoseconds slot_free) {
  Request& request = *connection.take_slot();
  request.due = due.due;
  request.slot_free = slot_free;
  request.sent = 0;
  request.deadline = now_ + target_.timeout;
  request.phase = due.phase;
  request.body = due.body;
  request.refusals = due.refusals;
  request.of_user = due.of_user;
  request.counted = false;
  const bool fixed = !target_.expected.empty();
  request.answer.begin(fixed ? &target_.expected[due.body] : nullptr, sampler_.choose());
  if (!connection.begin(request)) {
    request.phase = nullptr;
    return false;
  }
  in_flight_.add(request);
  want_connections();
  return true;
}

// Stamped just before the bytes are written: the write itself belongs to the service.
void Worker::stamp_sent(std::vector<Request*>& requests) {
  const Nanoseconds now = now_ns();
  for (Request* request : requests) {
    request->sent = now;
    if (request->refusals == 0) request->phase->counts->sent++;
  }
  requests.clear();
}

void Worker::count_end(Request& request, Outcome outcome) {
  Phase& phase = *request.phase;
  Counts& counts = *phase.counts;
  if (request.sent != 0) {
    auto& times = counts.times[outcome.right() ? 1 : 0];
    times[kSlotWait].record(request.slot_free - request.due);
    times[kGeneratorLag].record(request.sent - request.slot_free);
    times[kService].record(now_ - request.sent);
    times[kResponse].record(now_ - request.due);
  }
  counts.answer_bytes += request.answer.size();
  if (outcome.right()) {
    counts.right++;
  } else {
    count(phase, outcome, request.answer.detail());
  }
  auto answer = request.answer.take_sample();
  if (answer && (outcome.right() || outcome.kind == Kind::wrong_answer)) {
    const bool whole = answer->size() == request.answer.size();
    sampler_.add({request.body, phase.tag, whole, std::move(*answer)});
  }
  request.counted = true;
  in_flight_.remove(request);
  phase.open--;
  if (request.of_user) closed_.ended(now_);
}

void Worker::count(Phase& phase, Outcome outcome, std::string_view detail) {
  phase.counts->wrong.add(outcome);
  if (known_.size() >= kMostKnown || std::ranges::find(known_, outcome) != known_.end()) return;
  known_.push_back(outcome);
  events_.on_first(outcome, std::string(detail));
}

// The server never looked at it. Twice in a row is no accident.
void Worker::requeue(Request& request) {
  if (request.refusals > 0) {
    request.answer.explain("the server refused the stream twice");
    count_end(request, {Kind::reset});
    return;
  }
  queue_.push_front({.due = request.due,
                     .not_before = now_,
                     .phase = request.phase,
                     .body = request.body,
                     .refusals = static_cast<uint8_t>(request.sent != 0 ? 1 : 0),
                     .of_user = request.of_user});
  in_flight_.remove(request);
}

uint32_t Worker::next_body() {
  const uint64_t count = target_.bodies.size();
  if (count == 1) return 0;
  if (target_.order == Order::random) return static_cast<uint32_t>(random_.below(count));
  return static_cast<uint32_t>((number_ + bodies_drawn_++ * target_.threads) % count);
}

const Address& Worker::address_of(uint32_t connection, size_t skipped) const {
  const uint64_t number = number_ + static_cast<uint64_t>(target_.threads) * connection;
  const auto& [all, first, step] = *addresses_;
  return all[(first + step * number + skipped) % all.size()];
}

void Worker::tick(Nanoseconds now) {
  now_ = std::max(now_, now);
  if (now_ < cutter_.next()) return;
  // Half a microsecond for each connection: not more often than is asked for, or each second.
  if (cutter_.asked_until(now_) || now_ >= read_wire_again_) {
    pool_.read_wire(wire_);
    read_wire_again_ = now_ + kBetweenReadings;
  }
  View view{.wire = std::exchange(wire_, {}), .connections = pool_.open()};
  while (now_ >= cutter_.next()) {  // of a thread that had no core for long, several
    events_.on_samples(sampler_.take());
    events_.on_cut(cutter_.cut(in_flight_.count(), queue_.size(), view, events_));
    view.wire = {};
  }
}

}  // namespace redline
