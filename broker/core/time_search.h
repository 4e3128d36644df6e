// Offsets by time, asked of one partition. The store finds the batch; records of uncompressed ones are looked at one by
// one, of a compressed one its first is answered: a consumer that starts there sees some records too many, and none too
// few. What is not in memory is fetched meanwhile: then the search goes on when it is tried again.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "broker/core/outcomes.h"
#include "broker/storage/store.h"

namespace broker::core {

// Core thread only.
class TimeSearch {
 public:
  // The first record at least as late.
  static TimeSearch at_least(const storage::PartitionRef& partition, std::int64_t timestamp_ms) {
    return {partition, timestamp_ms, false};
  }
  // The one with the largest time.
  static TimeSearch largest(const storage::PartitionRef& partition) { return {partition, 0, true}; }

  [[nodiscard]] const storage::PartitionRef& partition() const { return partition_; }
  // False: bytes are being fetched, try again when the partition is among take_advanced(). Throws when it cannot be
  // read. The partition exists.
  [[nodiscard]] bool attempt(storage::Store& store);
  // After attempt() said true. None: no such record is durable.
  [[nodiscard]] const std::optional<TimedOffset>& found() const { return found_; }

 private:
  TimeSearch(const storage::PartitionRef& partition, std::int64_t timestamp_ms, bool largest)
      : partition_(partition), timestamp_ms_(timestamp_ms), largest_(largest) {}
  bool find_batch(storage::Store& store);
  bool halve(storage::Store& store);
  bool look_into_batch(storage::Store& store);

  storage::PartitionRef partition_;
  std::int64_t timestamp_ms_;
  bool largest_;
  storage::FoundTime batch_;
  bool searched_ = false;          // batch_ is the one
  std::int64_t high_ = INT64_MAX;  // of the largest time
  std::optional<TimedOffset> found_;
};

}  // namespace broker::core
