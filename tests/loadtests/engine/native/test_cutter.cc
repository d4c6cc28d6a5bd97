// Windows and phases of one thread, with time made up.
#include "check.h"
#include "cutter.h"

using namespace redline;

namespace {

struct Events final : WorkerEvents {
  void on_cut(Cut) override {}
  void on_samples(std::vector<Sample>) override {}
  void on_first(Outcome, const std::string&) override {}
  void on_idle() override {}
  std::unique_ptr<Counts> fresh_counts() override {
    ++fresh;
    return std::make_unique<Counts>();
  }
  int fresh = 0;
};

struct Started : Cutter {
  Started() : Cutter(3, 100, "warmup") {
    start(1000);
    measure_this_thread();
  }
};

void windows_follow_the_grid() {
  Started cutter;
  Events events;
  cutter.phase_of(1000).counts->right = 7;
  const Cut first = cutter.cut(2, 5, {}, events);
  CHECK(first.number == 0 && first.thread == 3 && first.start == 1000 && first.end == 1100);
  CHECK(first.in_flight == 2 && first.queued == 5 && !first.asked);
  CHECK(first.parts.size() == 1 && first.parts[0].tag == "warmup");
  CHECK(first.parts[0].counts->right == 7);
  const Cut second = cutter.cut(0, 0, {}, events);
  CHECK(second.number == 1 && second.start == 1100 && second.end == 1200);
}

// A thread that was late by many windows must not pay for each as for one that has counts.
void a_window_without_counts_costs_no_memory() {
  Started cutter;
  Events events;
  for (int window = 0; window < 1000; ++window) {
    const Cut cut = cutter.cut(0, 0, {}, events);
    CHECK(cut.parts.size() == 1 && cut.parts[0].counts == nullptr);
  }
  CHECK(events.fresh == 0);
  cutter.phase_of(cutter.next()).counts->due = 1;
  CHECK(cutter.cut(0, 0, {}, events).parts[0].counts->due == 1);
  CHECK(events.fresh == 1);
}

void a_phase_begins_at_its_boundary_and_the_grid_anew() {
  Started cutter;
  Events events;
  cutter.ask({1130, "measured"});
  CHECK(cutter.next() == 1100);
  cutter.cut(0, 0, {}, events);
  CHECK(cutter.next() == 1130);
  CHECK(cutter.cut(0, 0, {}, events).end == 1130);
  CHECK(cutter.next() == 1230);
  CHECK(cutter.phase_of(1129).tag == "warmup" && cutter.phase_of(1130).tag == "measured");
}

void late_answers_come_in_the_window_of_the_next_phase() {
  Started cutter;
  Events events;
  cutter.ask({1050, "measured"});
  cutter.cut(0, 0, {}, events);
  cutter.phase_of(1040).counts->right = 1;
  cutter.phase_of(1060).counts->right = 2;
  const Cut cut = cutter.cut(0, 0, {}, events);
  CHECK(cut.parts.size() == 2 && cut.parts[0].phase == 0 && cut.parts[1].phase == 1);
  CHECK(cut.parts[0].counts->right == 1 && cut.parts[1].counts->right == 2);
}

void a_phase_lives_while_it_has_open_requests() {
  Started cutter;
  Events events;
  Phase& warmup = cutter.phase_of(1000);
  warmup.open = 1;
  for (const Nanoseconds when : {1010, 1020, 1030}) {
    cutter.ask({when, "next"});
    cutter.cut(0, 0, {}, events);
  }
  CHECK(&cutter.phase_of(1005) == &warmup);
  warmup.open = 0;
  cutter.cut(0, 0, {}, events);
  CHECK(&cutter.phase_of(1005) != &warmup);
}

void the_end_of_a_drain_is_asked_for() {
  Started cutter;
  Events events;
  cutter.ask({.when = 1040});
  const Cut cut = cutter.cut(0, 0, {}, events);
  CHECK(cut.asked && cut.end == 1040);
  CHECK(!cutter.cut(0, 0, {}, events).asked);
}

}  // namespace

int main() {
  windows_follow_the_grid();
  a_window_without_counts_costs_no_memory();
  a_phase_begins_at_its_boundary_and_the_grid_anew();
  late_answers_come_in_the_window_of_the_next_phase();
  a_phase_lives_while_it_has_open_requests();
  the_end_of_a_drain_is_asked_for();
  return 0;
}
