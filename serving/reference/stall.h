// A server that does nothing for a while in each period: the last part of it. Arithmetic only.
#pragma once

#include "clock.h"

namespace redline {

struct Stall {
  Nanoseconds length = 0;  // 0: never
  Nanoseconds period = 0;
  Nanoseconds origin = 0;  // when the first period begins

  // The earliest moment from `from` on at which there is work.
  Nanoseconds resume(Nanoseconds from) const {
    if (length == 0 || from < origin) return from;
    const Nanoseconds phase = (from - origin) % period;
    return phase < period - length ? from : from + period - phase;
  }

  // When `work` is done that begins at `from`, a moment at which there is work.
  Nanoseconds finish(Nanoseconds from, Nanoseconds work) const {
    if (length == 0) return from + work;
    const Nanoseconds open = period - length;
    const Nanoseconds done = (from - origin) % period;
    const Nanoseconds began = from - done;
    const Nanoseconds whole = done + work;
    // What ends exactly where a stall begins is not held up by it.
    const Nanoseconds stalls = whole == 0 ? 0 : (whole - 1) / open;
    return began + whole + stalls * length;
  }
};

}  // namespace redline
