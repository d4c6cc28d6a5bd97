#include "options.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>

#include "duration.h"

namespace redline {
namespace {

constexpr uint32_t kMostServers = 1'000'000;

template <typename Number>
Number number(const std::string& text, Number lowest, Number highest, const char* what) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= lowest && value <= highest)) {
    throw std::invalid_argument(what);
  }
  return value;
}

double ratio(const std::string& text) { return number<double>(text, 0, 1, "give a ratio from 0 to 1"); }

Stall stall(const std::string& text) {
  const size_t slash = text.find('/');
  const auto length = parse_duration(text.substr(0, slash));
  const auto period = slash == std::string::npos ? std::nullopt : parse_duration(text.substr(slash + 1));
  if (!length || !period || *length == 0 || *length >= *period) {
    throw std::invalid_argument("write LENGTH/PERIOD, the shorter first, as in 1s/10s");
  }
  return {.length = *length, .period = *period, .origin = 0};
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) throw std::invalid_argument(strerror(errno));
  try {
    return {std::istreambuf_iterator<char>(file), {}};
  } catch (const std::ios_base::failure&) {  // a folder opens, and cannot be read
    throw std::invalid_argument("it cannot be read");
  }
}

using Setter = std::function<void(Options&, const std::string&)>;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table{
      {"service", [](Options& o, const std::string& v) { o.service = Law::parse(v); }},
      {"servers",
       [](Options& o, const std::string& v) {
         o.servers = number<uint32_t>(v, 1, kMostServers, "give a number from 1 to 1000000");
       }},
      {"queue",
       [](Options& o, const std::string& v) {
         o.queue = number<uint64_t>(v, 0, Station::kUnbounded, "give how many may wait, 0 or more");
       }},
      {"stall", [](Options& o, const std::string& v) { o.stall = stall(v); }},
      {"error-ratio", [](Options& o, const std::string& v) { o.error_ratio = ratio(v); }},
      {"wrong-ratio", [](Options& o, const std::string& v) { o.wrong_ratio = ratio(v); }},
      {"seed",
       [](Options& o, const std::string& v) {
         o.seed = number<uint64_t>(v, 0, std::numeric_limits<uint64_t>::max(), "give a number, 0 or more");
       }},
      {"port",
       [](Options& o, const std::string& v) {
         o.port = number<uint16_t>(v, 0, 65'535, "give a port, or 0 for one that is free");
       }},
      {"answer", [](Options& o, const std::string& v) { o.answer = contents(v); }},
      {"log", [](Options& o, const std::string& v) { o.log = v; }},
  };
  return table;
}

}  // namespace

Options parse_options(int count, char** arguments) {
  Options options;
  for (int index = 1; index < count; ++index) {
    const std::string argument = arguments[index];
    const size_t equals = argument.find('=');
    const bool shape = argument.starts_with("--") && equals != std::string::npos;
    const auto setter = setters().find(shape ? argument.substr(2, equals - 2) : std::string());
    if (setter == setters().end()) throw UsageError(argument + ": no such option (write --NAME=VALUE)");
    try {
      setter->second(options, argument.substr(equals + 1));
    } catch (const std::invalid_argument& error) {
      throw UsageError(argument.substr(0, equals) + " " + argument.substr(equals + 1) + ": " + error.what());
    }
  }
  if (options.error_ratio + options.wrong_ratio > 1) {
    throw UsageError("--error-ratio and --wrong-ratio: together they are more than 1");
  }
  return options;
}

}  // namespace redline
