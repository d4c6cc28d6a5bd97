// What a worker hands to the engine, from its own thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "outcome.h"
#include "phase.h"
#include "sampler.h"

namespace redline {

class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  virtual void on_cut(Cut cut) = 0;
  virtual void on_samples(std::vector<Sample> samples) = 0;
  virtual void on_first(Outcome outcome, const std::string& detail) = 0;
  virtual void on_idle() = 0;
  virtual std::unique_ptr<Counts> fresh_counts() = 0;
};

}  // namespace redline
