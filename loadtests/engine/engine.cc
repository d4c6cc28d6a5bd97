#include "engine.h"

#include <algorithm>
#include <stdexcept>

namespace redline {
namespace {

constexpr size_t kMostWindows = 64;  // that nobody fetched; then the oldest is lost, and it shows
constexpr size_t kMostSamples = 256;
constexpr size_t kMostUnused = 16;
constexpr Nanoseconds kLead = 2 * kMillisecond;  // for all threads to hear of a boundary in time

std::shared_ptr<const Addresses> addresses_of(const std::vector<std::string>& texts, uint16_t port,
                                              uint64_t first, uint64_t step) {
  if (texts.empty()) throw std::runtime_error("no address to connect to");
  auto addresses = std::make_shared<Addresses>();
  for (const std::string& text : texts) addresses->all.push_back(address_of(text, port));
  addresses->first = first;
  addresses->step = step;
  return addresses;
}

}  // namespace

Engine::Engine(Target target, std::string phase)
    : target_(std::move(target)), first_phase_(std::move(phase)) {}

Engine::~Engine() { stop(); }

void Engine::start(const std::vector<std::string>& addresses) {
  if (running()) throw std::runtime_error("the engine is already running");
  const auto where = addresses_of(addresses, target_.port, 0, 1);
  if (target_.tls) tls_ = std::make_unique<TlsContext>(target_);
  WorkerEvents& events = *this;
  for (uint32_t number = 0; number < target_.threads; ++number) {
    workers_.push_back(
        std::make_unique<Worker>(target_, where, tls_.get(), number, first_phase_, events));
  }
  const Nanoseconds now = now_ns();
  for (auto& worker : workers_) worker->start(now);
}

void Engine::require_running() const {
  if (!running()) throw std::runtime_error("the engine is not running; call start() first");
}

void Engine::post(const Command& command) {
  for (auto& worker : workers_) worker->post(command);
}

void Engine::set_addresses(const std::vector<std::string>& addresses, uint64_t number,
                           uint64_t engines) {
  require_running();
  post({.kind = Command::Kind::addresses,
        .addresses = addresses_of(addresses, target_.port, number, engines)});
}

void Engine::set_users(uint64_t users, Nanoseconds think, Nanoseconds gap, Spread spread) {
  require_running();
  loaded_ = true;
  const uint64_t threads = workers_.size();
  for (uint64_t number = 0; number < threads; ++number) {
    workers_[number]->post({.kind = Command::Kind::users,
                            .users = users / threads + (number < users % threads ? 1 : 0),
                            .think = think,
                            .gap = gap * static_cast<Nanoseconds>(threads),
                            .spread = share_of(spread, number)});
  }
}

void Engine::set_rate(double rate, Arrivals arrivals, uint64_t backlog, Spread spread) {
  require_running();
  loaded_ = true;
  const auto threads = static_cast<double>(workers_.size());
  for (size_t number = 0; number < workers_.size(); ++number) {
    workers_[number]->post({.kind = Command::Kind::rate,
                            .rate = rate / threads,
                            .arrivals = arrivals,
                            .offset = static_cast<double>(number) / threads,
                            .backlog = share_of(backlog, number),
                            .spread = share_of(spread, number)});
  }
}

void Engine::follow(std::vector<Nanoseconds> schedule, uint64_t backlog, Spread spread) {
  require_running();
  loaded_ = true;
  const auto shared = std::make_shared<const std::vector<Nanoseconds>>(std::move(schedule));
  for (size_t number = 0; number < workers_.size(); ++number) {
    workers_[number]->post({.kind = Command::Kind::schedule,
                            .backlog = share_of(backlog, number),
                            .schedule = shared,
                            .spread = share_of(spread, number)});
  }
}

uint64_t Engine::share_of(uint64_t whole, size_t number) const {
  return whole / workers_.size() + (number < whole % workers_.size() ? 1 : 0);
}

// A thread that has a part of the load needs a connection for it.
Spread Engine::share_of(Spread whole, size_t number) const {
  if (whole.connections == 0) return whole;
  const uint64_t share = share_of(whole.connections, number);
  return {std::max<uint32_t>(1, static_cast<uint32_t>(share)), whole.streams};
}

Nanoseconds Engine::set_phase(std::string tag) {
  require_running();
  const Nanoseconds when = now_ns() + kLead;
  post({.kind = Command::Kind::phase, .tag = std::move(tag), .when = when});
  return when;
}

bool Engine::drain(Nanoseconds timeout) {
  require_running();
  loaded_ = false;
  const Nanoseconds end = now_ns() + timeout;
  std::unique_lock lock(mutex_);
  idle_ = asked_ = 0;
  post({.kind = Command::Kind::drain, .when = end});
  changed_.wait(lock, [this] { return idle_ == workers_.size(); });
  const bool in_time = now_ns() < end;
  // A boundary that was asked for just before is still to come; this one must follow it.
  post({.kind = Command::Kind::cut, .when = now_ns() + kLead});
  changed_.wait(lock, [this] { return asked_ == workers_.size(); });
  return in_time;
}

void Engine::stop() {
  if (!running()) return;
  if (loaded_) drain(0);
  for (auto& worker : workers_) worker->join();
  workers_.clear();
}

void Engine::on_cut(Cut cut) {
  const std::lock_guard lock(mutex_);
  if (cut.asked) {
    ++asked_;
    changed_.notify_all();
  }
  if (cut.number < oldest_) return;
  cuts_[cut.number].push_back(std::move(cut));
  if (cuts_.size() > kMostWindows) {
    oldest_ = cuts_.begin()->first + 1;
    cuts_.erase(cuts_.begin());
  }
}

void Engine::on_samples(std::vector<Sample> samples) {
  if (samples.empty()) return;
  const std::lock_guard lock(mutex_);
  for (Sample& sample : samples) samples_.push_back(std::move(sample));
  while (samples_.size() > kMostSamples) samples_.pop_front();
}

void Engine::on_first(Outcome outcome, const std::string& detail) {
  const std::lock_guard lock(mutex_);
  for (const auto& [known, ignored] : details_) {
    if (known == outcome) return;
  }
  details_.emplace_back(outcome, detail);
}

void Engine::on_idle() {
  const std::lock_guard lock(mutex_);
  ++idle_;
  changed_.notify_all();
}

std::unique_ptr<Counts> Engine::fresh_counts() {
  {
    const std::lock_guard lock(mutex_);
    if (!unused_.empty()) {
      auto counts = std::move(unused_.back());
      unused_.pop_back();
      return counts;
    }
  }
  return std::make_unique<Counts>();
}

std::vector<Window> Engine::poll_windows() {
  std::vector<std::vector<Cut>> complete;
  {
    const std::lock_guard lock(mutex_);
    while (!cuts_.empty() && cuts_.begin()->second.size() == target_.threads) {
      complete.push_back(std::move(cuts_.begin()->second));
      oldest_ = cuts_.begin()->first + 1;
      cuts_.erase(cuts_.begin());
    }
  }
  std::vector<Window> windows;
  for (auto& cuts : complete) {
    for (Window& window : merge(std::move(cuts))) windows.push_back(std::move(window));
  }
  return windows;
}

// One window for each phase that the threads' cuts have something of, the oldest phase first.
std::vector<Window> Engine::merge(std::vector<Cut> cuts) {
  std::ranges::sort(cuts, {}, &Cut::thread);
  std::map<uint32_t, Window> windows;
  for (Cut& cut : cuts) {
    for (Cut::Part& part : cut.parts) {
      Window& window = windows[part.phase];
      window.phase = part.phase;
      window.tag = part.tag;
      if (!window.counts) {
        window.counts = std::move(part.counts);
      } else if (part.counts) {
        window.counts->add(*part.counts);
        recycle(std::move(part.counts));
      }
    }
  }
  std::vector<Window> merged;
  for (auto& [phase, window] : windows) {
    if (!window.counts) window.counts = fresh_counts();
    window.number = cuts.front().number;
    window.start = cuts.front().start;
    window.end = cuts.front().end;
    for (const Cut& cut : cuts) {
      window.in_flight += cut.in_flight;
      window.queued += cut.queued;
      window.threads.push_back({cut.cpu, cut.run_queue, cut.turns});
      window.view.add(cut.view);
    }
    merged.push_back(std::move(window));
  }
  return merged;
}

void Engine::recycle(std::unique_ptr<Counts> counts) {
  counts->clear();
  const std::lock_guard lock(mutex_);
  if (unused_.size() < kMostUnused) unused_.push_back(std::move(counts));
}

std::vector<Sample> Engine::poll_samples() {
  const std::lock_guard lock(mutex_);
  std::vector<Sample> samples(std::make_move_iterator(samples_.begin()),
                              std::make_move_iterator(samples_.end()));
  samples_.clear();
  return samples;
}

std::vector<std::pair<Outcome, std::string>> Engine::details() {
  const std::lock_guard lock(mutex_);
  return details_;
}

}  // namespace redline
