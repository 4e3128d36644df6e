// Reading and writing durations and sizes.
#include "common/units.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>

namespace common {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// From large to small: the order a duration's parts stand in.
constexpr std::array kDurations = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                   Unit{"ms", 1}};
constexpr std::array kSizes = {Unit{"TiB", std::int64_t{1} << 40U},
                               Unit{"GiB", std::int64_t{1} << 30U},
                               Unit{"MiB", std::int64_t{1} << 20U},
                               Unit{"KiB", std::int64_t{1} << 10U},
                               Unit{"TB", 1'000'000'000'000},
                               Unit{"GB", 1'000'000'000},
                               Unit{"MB", 1'000'000},
                               Unit{"kB", 1'000},
                               Unit{"B", 1}};

constexpr std::int64_t kDurationMax = 36'500LL * 86'400'000;
constexpr std::string_view kDurationWayOut =
    R"(write a whole number with a unit: "500ms", "10s", "1m30s", "24h" or "7d")";
constexpr std::string_view kSizeWayOut = R"(write a whole number with a unit: "512B", "64KiB", "16MiB" or "1GiB")";

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// Takes the digits at the start of `text`; none when there are none or they do not fit.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || number < 0 || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return number;
}

std::string_view take_letters(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_of("0123456789.+- "), text.size());
  const std::string_view letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::string no_unit(std::string_view text, std::string_view way_out) {
  return quoted(text) + " has no unit; " + std::string(way_out);
}

std::string bad_unit(std::string_view text, std::string_view unit, std::string_view way_out) {
  return quoted(text) + ": " + quoted(unit) + " is no unit; " + std::string(way_out);
}

}  // namespace

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using Result = Parsed<std::chrono::milliseconds>;
  if (text.empty()) return Result::bad("empty; " + std::string(kDurationWayOut));
  std::string_view rest = text;
  std::int64_t total = 0;
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  while (!rest.empty()) {
    const auto number = take_number(rest);
    if (!number) return Result::bad(quoted(text) + " is no duration; " + std::string(kDurationWayOut));
    const std::string_view name = take_letters(rest);
    if (name.empty()) {
      if (rest.empty()) return Result::bad(no_unit(text, kDurationWayOut));
      return Result::bad(quoted(text) + " is no duration; " + std::string(kDurationWayOut));
    }
    const Unit* unit = find_unit(kDurations, name);
    if (unit == nullptr) return Result::bad(bad_unit(text, name, kDurationWayOut));
    if (unit->factor >= smallest) {
      return Result::bad(quoted(text) + ": units go from large to small, each once, as in \"1m30s\"");
    }
    smallest = unit->factor;
    if (*number > (kDurationMax - total) / unit->factor) {
      return Result::bad(quoted(text) + " is longer than the longest duration, 36500d");
    }
    total += *number * unit->factor;
  }
  return Result::good(std::chrono::milliseconds(total));
}

Parsed<ByteSize> parse_size(std::string_view text) {
  using Result = Parsed<ByteSize>;
  if (text.empty()) return Result::bad("empty; " + std::string(kSizeWayOut));
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) return Result::bad(quoted(text) + " is no size; " + std::string(kSizeWayOut));
  const std::string_view name = take_letters(rest);
  if (!rest.empty()) return Result::bad(quoted(text) + " is no size; " + std::string(kSizeWayOut));
  if (name.empty()) return Result::bad(no_unit(text, kSizeWayOut));
  const Unit* unit = find_unit(kSizes, name);
  if (unit == nullptr) return Result::bad(bad_unit(text, name, kSizeWayOut));
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) {
    return Result::bad(quoted(text) + " is larger than the largest size");
  }
  return Result::good(ByteSize(*number * unit->factor));
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string out;
  for (const Unit& unit : kDurations) {
    const std::int64_t count = rest / unit.factor;
    // Whole days read well from two on; one day is better known as 24h.
    if (count == 0 || (unit.name == "d" && (count < 2 || rest % unit.factor != 0))) continue;
    out += std::to_string(count);
    out += unit.name;
    rest %= unit.factor;
  }
  return out;
}

std::string format_size(ByteSize size) {
  for (const Unit& unit : kSizes) {
    if (size.value() >= unit.factor && size.value() % unit.factor == 0) {
      return std::to_string(size.value() / unit.factor) + std::string(unit.name);
    }
  }
  return "0B";
}

}  // namespace common
