// The only file that touches Python. It moves values over and back; __init__.py gives them names.
// Why native code at all: Python sends 10^4 requests a second on a core, these threads 10^5 and more.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "engine.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace redline {
namespace {

nb::bytes bytes(const std::string& text) { return nb::bytes(text.data(), text.size()); }

std::vector<std::string> strings(const nb::list& items) {
  std::vector<std::string> out;
  for (nb::handle item : items) {
    const auto value = nb::cast<nb::bytes>(item);
    out.emplace_back(value.c_str(), value.size());
  }
  return out;
}

// gRPC's message behind its prefix: not compressed, and its length.
std::string framed(const std::string& message) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  return out + message;
}

struct PyTarget : Target {
  void set_bodies(const nb::list& items) {
    bodies = strings(items);
    if (protocol != Protocol::grpc) return;
    for (std::string& body : bodies) body = framed(body);
  }
  void set_expected(const nb::list& items) { expected = strings(items); }
};

nb::list payloads(const std::array<Histogram, kTimes>& times) {
  nb::list out;
  for (const Histogram& histogram : times) out.append(bytes(histogram.payload()));
  return out;
}

nb::dict connections_of(const View& view) {
  nb::dict out;
  for (const auto& [address, count] : view.connections) out[address.c_str()] = count;
  return out;
}

nb::dict wire_of(const Wire& wire) {
  nb::dict out;
  out["sent_bytes"] = wire.sent_bytes;
  out["received_bytes"] = wire.received_bytes;
  out["segments_out"] = wire.segments_out;
  out["retransmitted"] = wire.retransmitted;
  out["busy_us"] = wire.busy_us;
  out["rwnd_limited_us"] = wire.rwnd_limited_us;
  out["sndbuf_limited_us"] = wire.sndbuf_limited_us;
  out["rtt_us"] = wire.rtt_us;
  out["readings"] = wire.readings;
  return out;
}

nb::dict to_dict(const Window& window) {
  nb::dict wrong;
  for (const auto& [outcome, count] : window.counts->wrong.kinds()) {
    wrong[name_of(outcome).c_str()] = count;
  }
  nb::list threads;
  for (const auto& thread : window.threads) {
    threads.append(nb::make_tuple(thread.cpu, thread.run_queue, thread.turns));
  }
  nb::dict out;
  out["number"] = window.number;
  out["phase"] = window.tag;
  out["phase_number"] = window.phase;
  out["start_ns"] = window.start;
  out["end_ns"] = window.end;
  out["due"] = window.counts->due;
  out["sent"] = window.counts->sent;
  out["right"] = window.counts->right;
  out["wrong"] = wrong;
  out["unsent"] = window.counts->unsent;
  out["answer_bytes"] = window.counts->answer_bytes;
  out["in_flight"] = window.in_flight;
  out["queued"] = window.queued;
  out["threads"] = threads;
  out["connections"] = connections_of(window.view);
  out["wire"] = wire_of(window.view.wire);
  out["wrong_times"] = payloads(window.counts->times[0]);
  out["right_times"] = payloads(window.counts->times[1]);
  return out;
}

nb::list poll_windows(Engine& engine) {
  std::vector<Window> windows;
  {
    const nb::gil_scoped_release unlocked;
    windows = engine.poll_windows();
  }
  nb::list out;
  for (Window& window : windows) {
    out.append(to_dict(window));
    engine.recycle(std::move(window.counts));
  }
  return out;
}

nb::list poll_samples(Engine& engine) {
  nb::list out;
  for (const Sample& sample : engine.poll_samples()) {
    out.append(nb::make_tuple(sample.body, sample.phase, sample.whole, bytes(sample.answer)));
  }
  return out;
}

nb::dict details(Engine& engine) {
  nb::dict out;
  for (const auto& [outcome, detail] : engine.details()) {
    out[name_of(outcome).c_str()] = bytes(detail);
  }
  return out;
}

}  // namespace
}  // namespace redline

NB_MODULE(_native, module) {
  using namespace redline;
  nb::set_leak_warnings(false);  // an engine may outlive the interpreter's last collection

  nb::enum_<Protocol>(module, "Protocol").value("grpc", Protocol::grpc).value("http1", Protocol::http1);
  nb::enum_<Order>(module, "Order").value("cycle", Order::cycle).value("random", Order::random);
  nb::enum_<Arrivals>(module, "Arrivals")
      .value("constant", Arrivals::constant)
      .value("poisson", Arrivals::poisson);

  nb::class_<Spread>(module, "Spread")
      .def("__init__", [](Spread* self, uint32_t connections, uint32_t streams) {
        new (self) Spread{connections, streams};
      });

  nb::class_<PyTarget>(module, "Target")
      .def(nb::init<>())
      .def_rw("protocol", &PyTarget::protocol)
      .def_rw("host", &PyTarget::host)
      .def_rw("port", &PyTarget::port)
      .def_rw("path", &PyTarget::path)
      .def_rw("method", &PyTarget::method)
      .def_rw("headers", &PyTarget::headers)
      .def_rw("order", &PyTarget::order)
      .def_rw("seed", &PyTarget::seed)
      .def_rw("tls", &PyTarget::tls)
      .def_rw("verify", &PyTarget::verify)
      .def_rw("ca_file", &PyTarget::ca_file)
      .def_rw("server_name", &PyTarget::server_name)
      .def_rw("connections", &PyTarget::connections)
      .def_rw("streams", &PyTarget::streams)
      .def_rw("pack", &PyTarget::pack)
      .def_rw("threads", &PyTarget::threads)
      .def_rw("timeout_ns", &PyTarget::timeout)
      .def_rw("window_ns", &PyTarget::window)
      .def_rw("samples_per_window", &PyTarget::samples_per_window)
      .def("set_bodies", &PyTarget::set_bodies)
      .def("set_expected", &PyTarget::set_expected);

  // For tests: what the engine's histograms make of these elapsed times.
  module.def("histogram_payload", [](const std::vector<Nanoseconds>& elapsed) {
    Histogram histogram;
    for (Nanoseconds one : elapsed) histogram.record(one);
    return bytes(histogram.payload());
  });

  const nb::call_guard<nb::gil_scoped_release> unlocked;
  nb::class_<Engine>(module, "Engine")
      .def("__init__", [](Engine* self, const PyTarget& target, std::string phase) {
        new (self) Engine(target, std::move(phase));
      })
      .def("start", &Engine::start, "addresses"_a, unlocked)
      .def("set_addresses", &Engine::set_addresses, "addresses"_a, "number"_a, "engines"_a,
           unlocked)
      .def("set_users", &Engine::set_users, "users"_a, "think_ns"_a, "gap_ns"_a, "spread"_a,
           unlocked)
      .def("set_rate", &Engine::set_rate, "rate_rps"_a, "arrivals"_a, "backlog"_a, "spread"_a,
           unlocked)
      .def("follow", &Engine::follow, "schedule_ns"_a, "backlog"_a, "spread"_a, unlocked)
      .def("set_phase", &Engine::set_phase, "tag"_a, unlocked)
      .def("drain", &Engine::drain, "timeout_ns"_a, unlocked)
      .def("stop", &Engine::stop, unlocked)
      .def("running", &Engine::running)
      .def("poll_windows", &poll_windows)
      .def("poll_samples", &poll_samples)
      .def("details", &details);
}
