// Offsets by time. The store finds the batch; records of uncompressed ones are looked at one by one, of a compressed
// one its first is answered: a consumer that starts there sees some records too many, and none too few.
#include <algorithm>
#include <limits>

#include "broker/core/broker.h"
#include "broker/protocol/record_batch.h"

namespace broker::core {

std::optional<TimedOffset> Broker::look_into_batch(const storage::PartitionRef& partition,
                                                   const std::pair<storage::Offset, std::int64_t>& found,
                                                   std::int64_t timestamp_ms) {
  TimedOffset answer{found.first, found.second, -1};
  const auto read = store_.read(partition, found.first, 0);  // one whole batch
  const auto batch = protocol::peek_batch(read.bytes);
  if (!batch) return answer;
  answer.leader_epoch = batch->leader_epoch;
  if (const auto record = protocol::find_record(*batch, found.first.value(), timestamp_ms)) {
    answer.offset = storage::Offset(record->offset);
    answer.timestamp_ms = record->timestamp_ms;
  }
  return answer;
}

std::optional<TimedOffset> Broker::find_time(const storage::PartitionRef& partition, std::int64_t timestamp_ms) {
  const auto found = store_.find_time(partition, timestamp_ms);
  return found ? look_into_batch(partition, *found, timestamp_ms) : std::nullopt;
}

std::optional<TimedOffset> Broker::find_max_timestamp(const storage::PartitionRef& partition) {
  auto best = store_.find_time(partition, 0);
  if (!best) return std::nullopt;
  // "Some batch has a time ≥ t" holds up to the largest time and not beyond it: halve.
  std::int64_t low = best->second;
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  while (low < high) {
    const auto middle = low + (high - low) / 2 + 1;
    if (const auto found = store_.find_time(partition, middle)) {
      best = found;
      low = std::max(middle, found->second);
    } else {
      high = middle - 1;
    }
  }
  return look_into_batch(partition, *best, best->second);
}

}  // namespace broker::core
