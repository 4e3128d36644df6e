// Sampling and limits.
#include "broker/core/disk_watch.h"

#include <algorithm>
#include <utility>

#include "broker/core/retention_report.h"

namespace broker::core {

namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr std::uint64_t kEaseShare = 64;  // of a limit

int percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return 0;
  return static_cast<int>(static_cast<double>(part) / static_cast<double>(whole) * 100.0);
}

}  // namespace

DiskWatch::DiskWatch(DiskLimits limits, LookAtDisk look, std::uint64_t data_bytes)
    : limits_(limits), look_(std::move(look)), data_bytes_(data_bytes) {}

void DiskWatch::tick(Time now) {
  if (!look_ || (looked_ && now - *looked_ < kLookEvery)) return;
  looked_ = now;
  if (const auto space = look_()) space_ = *space;
}

Shortage DiskWatch::shortage(std::uint64_t bytes) {
  const auto ease = [this](Shortage which, std::uint64_t limit) { return last_ == which ? limit / kEaseShare : 0; };
  Shortage found = Shortage::none;
  const auto free_min = limits_.free_min + ease(Shortage::free_min, limits_.free_min);
  if (limits_.free_min > 0 && space_.total_bytes > 0 && space_.free_bytes < free_min) found = Shortage::free_min;
  const auto total_max = limits_.total_max - ease(Shortage::total_max, limits_.total_max);
  if (limits_.total_max > 0 && data_bytes_ + bytes > total_max) found = Shortage::total_max;
  last_ = found;
  return found;
}

int DiskWatch::used_percent() const {
  const auto used = space_.total_bytes - std::min(space_.free_bytes, space_.total_bytes);
  return std::max(percent(used, space_.total_bytes), percent(data_bytes_, limits_.total_max));
}

std::string DiskWatch::sentence(Shortage shortage) const {
  switch (shortage) {
    case Shortage::none:
      break;
    case Shortage::free_min:
      return "less than " + rough_size(limits_.free_min) + " are free on the broker's disk ([storage] free_min)";
    case Shortage::total_max:
      return "the broker's records have reached " + rough_size(limits_.total_max) + " ([storage] total_max)";
  }
  return "the broker's disk is full";
}

bool EveryNowAndThen::now_is_the_time(Time now) {
  if (last_ && now - *last_ < interval_) return false;
  last_ = now;
  return true;
}

}  // namespace broker::core
