// When requests fall due: pure arithmetic, so time is made up here.
#include <cmath>
#include <vector>

#include "check.h"
#include "load.h"
#include "sampler.h"

using namespace redline;

namespace {

std::vector<Nanoseconds> until(OpenLoop& loop, Nanoseconds end) {
  std::vector<Nanoseconds> dues;
  for (; loop.next() < end; loop.pop()) dues.push_back(loop.next());
  return dues;
}

void constant_arrivals_do_not_drift() {
  OpenLoop loop(1);
  loop.set(1000, 30'000, Arrivals::constant, 0);  // a gap of 33,333.3 ns
  const auto dues = until(loop, 1000 + 100 * kSecond);
  CHECK(dues.size() == 3'000'000 || dues.size() == 3'000'001);  // the last may fall on the end
  CHECK(dues.front() == 1000);
  CHECK(std::llabs(dues[2'999'999] - (1000 + 2'999'999 * 1'000'000'000LL / 30'000)) <= 1000);
}

void a_new_rate_leaves_no_gap_and_no_burst() {
  OpenLoop loop(1);
  loop.set(0, 1000, Arrivals::constant, 0);
  until(loop, 10'400'000);  // next at 11 ms: 0.6 of a gap is left
  loop.set(10'400'000, 100, Arrivals::constant, 0);
  CHECK(std::llabs(loop.next() - (10'400'000 + 6'000'000)) <= 1);
  loop.pop();
  CHECK(std::llabs(loop.next() - (10'400'000 + 16'000'000)) <= 1);
  loop.set(20'000'000, 0, Arrivals::constant, 0);
  CHECK(loop.next() == kNever);
}

void threads_share_constant_arrivals_evenly() {
  OpenLoop first(1);
  OpenLoop second(2);
  first.set(0, 500, Arrivals::constant, 0);
  second.set(0, 500, Arrivals::constant, 0.5);
  CHECK(first.next() == 0);
  CHECK(second.next() == kMillisecond);
}

void threads_share_a_schedule_and_no_arrival_is_lost() {
  const auto schedule = std::make_shared<const std::vector<Nanoseconds>>(
      std::vector<Nanoseconds>{0, 5, 5, 7, 1000});
  OpenLoop first(1);
  OpenLoop second(2);
  first.follow(100, schedule, 0, 2);
  second.follow(100, schedule, 1, 2);
  CHECK((until(first, kNever) == std::vector<Nanoseconds>{100, 105, 1100}));
  CHECK((until(second, kNever) == std::vector<Nanoseconds>{105, 107}));
  first.set(2000, 1000, Arrivals::constant, 0);  // a schedule leaves no part of a gap behind
  CHECK(first.next() == 2000);
  first.follow(3000, schedule, 0, 1);
  first.set(3001, 0, Arrivals::constant, 0);
  CHECK(first.next() == kNever);
}

void poisson_arrivals_have_the_right_moments() {
  OpenLoop loop(7);
  loop.set(0, 50'000, Arrivals::poisson, 0);
  const auto dues = until(loop, 20 * kSecond);
  CHECK(std::fabs(static_cast<double>(dues.size()) - 1e6) < 5 * 1000);  // 5 sigma
  double squares = 0;
  for (size_t index = 1; index < dues.size(); ++index) {
    const double gap = static_cast<double>(dues[index] - dues[index - 1]) / 20'000;
    squares += (gap - 1) * (gap - 1);
  }
  const double variance = squares / static_cast<double>(dues.size());
  CHECK(std::fabs(variance - 1) < 0.02);
}

void users_are_due_when_they_have_thought() {
  ClosedLoop loop;
  loop.set(100, 2, 50);
  CHECK(loop.next() == 100);
  loop.pop();
  loop.pop();
  CHECK(loop.next() == kNever);
  loop.ended(200);
  CHECK(loop.next() == 250);
  loop.set(210, 1, 50);  // one thinks and goes, one is in flight and stays
  CHECK(loop.next() == kNever);
  loop.ended(300);
  CHECK(loop.next() == 350);
  loop.set(310, 0, 0);
  CHECK(loop.next() == kNever);
}

void users_keep_their_distance() {
  ClosedLoop loop;
  loop.set(100, 3, 0, 40);
  std::vector<Nanoseconds> dues;
  for (; loop.next() != kNever; loop.pop()) dues.push_back(loop.next());
  CHECK((dues == std::vector<Nanoseconds>{100, 140, 180}));
  loop.ended(190);  // answered at once: not due before its turn
  CHECK(loop.next() == 220);
  loop.set(200, 3, 0, 40);  // asked again, as at each phase: the turn stays
  CHECK(loop.next() == 220);
  loop.pop();
  loop.ended(1000);  // a slow answer is not made up for by a burst
  loop.ended(1000);
  CHECK(loop.next() == 1000);
  loop.pop();
  CHECK(loop.next() == 1040);
}

void a_sample_is_fair() {
  std::vector<int> kept(100);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Sampler sampler(seed, 5);
    for (uint32_t request = 0; request < 100; ++request) {
      if (sampler.choose()) sampler.add({.body = request, .phase = {}, .whole = true, .answer = {}});
    }
    const auto samples = sampler.take();
    CHECK(samples.size() == 5);
    for (const Sample& sample : samples) ++kept[sample.body];
  }
  for (const int count : kept) CHECK(std::abs(count - 200) < 75);  // 5 sigma
}

}  // namespace

int main() {
  constant_arrivals_do_not_drift();
  a_new_rate_leaves_no_gap_and_no_burst();
  threads_share_constant_arrivals_evenly();
  threads_share_a_schedule_and_no_arrival_is_lost();
  poisson_arrivals_have_the_right_moments();
  users_are_due_when_they_have_thought();
  users_keep_their_distance();
  a_sample_is_fair();
  return 0;
}
