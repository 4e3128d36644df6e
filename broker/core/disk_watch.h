// How full the disk is, and whether Produce must be refused for it: looked at once a second, so that a request costs a
// comparison and no system call. (The store looks for itself before it takes new blocks; that is the last line.)
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "broker/core/group.h"

namespace broker::core {

struct DiskSpace {
  std::uint64_t free_bytes = 0;   // that this process still gets
  std::uint64_t total_bytes = 0;  // 0: not known
};
// None: it could not be found out.
using LookAtDisk = std::function<std::optional<DiskSpace>()>;

struct DiskLimits {
  std::uint64_t free_min = 0;   // less free than this: refuse; 0: no such limit
  std::uint64_t total_max = 0;  // more records than this, all partitions together: refuse; 0: no such limit
  int warn_percent = 70;        // used; 100: never
};

enum class Shortage { none, free_min, total_max };

// Core thread only.
class DiskWatch {
 public:
  DiskWatch(DiskLimits limits, LookAtDisk look, std::uint64_t data_bytes);

  // Looks at the disk when a second has passed.
  void tick(Time now);

  // Is there room for so many bytes of records more? Once there was none, only when a 64th of the limit is free again.
  [[nodiscard]] Shortage shortage(std::uint64_t bytes);
  void appended(std::uint64_t bytes) { data_bytes_ += bytes; }
  void freed(std::uint64_t bytes) { data_bytes_ -= std::min(bytes, data_bytes_); }
  // All partitions were added up.
  void counted(std::uint64_t data_bytes) { data_bytes_ = data_bytes; }

  [[nodiscard]] const DiskLimits& limits() const { return limits_; }
  [[nodiscard]] std::uint64_t data_bytes() const { return data_bytes_; }
  [[nodiscard]] const DiskSpace& space() const { return space_; }
  // Of the disk or of total_max, whichever is nearer to its end.
  [[nodiscard]] int used_percent() const;
  [[nodiscard]] bool worth_a_warning() const {
    return limits_.warn_percent < 100 && used_percent() >= limits_.warn_percent;
  }
  // "less than 64 MiB are free on the disk", for log and clients.
  [[nodiscard]] std::string sentence(Shortage shortage) const;

 private:
  DiskLimits limits_;
  LookAtDisk look_;
  DiskSpace space_;
  std::uint64_t data_bytes_;
  std::optional<Time> looked_;
  Shortage last_ = Shortage::none;
};

// At most one in `interval`, for log lines that many may cause. Core thread only.
class EveryNowAndThen {
 public:
  explicit EveryNowAndThen(std::chrono::seconds interval) : interval_(interval) {}
  bool now_is_the_time(Time now);

 private:
  std::chrono::seconds interval_;
  std::optional<Time> last_;
};

}  // namespace broker::core
