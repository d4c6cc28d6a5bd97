#include "counts.h"

namespace redline {

void Tally::add(Outcome outcome, uint64_t count) {
  for (auto& [kind, total] : kinds_) {
    if (kind == outcome) {
      total += count;
      return;
    }
  }
  if (kinds_.size() >= kMostKinds - 1 && outcome.kind != Kind::other) {
    add({Kind::other, 0}, count);
  } else {
    kinds_.emplace_back(outcome, count);
  }
}

void Tally::add(const Tally& other) {
  for (const auto& [kind, total] : other.kinds_) add(kind, total);
}

bool Counts::empty() const {
  return due + sent + right + unsent == 0 && wrong.kinds().empty();
}

void Counts::add(const Counts& other) {
  due += other.due;
  sent += other.sent;
  right += other.right;
  unsent += other.unsent;
  answer_bytes += other.answer_bytes;
  wrong.add(other.wrong);
  for (size_t side = 0; side < times.size(); ++side) {
    for (size_t time = 0; time < kTimes; ++time) times[side][time].add(other.times[side][time]);
  }
}

void Counts::clear() {
  due = sent = right = unsent = answer_bytes = 0;
  wrong.clear();
  for (auto& side : times) {
    for (auto& histogram : side) histogram.clear();
  }
}

}  // namespace redline
