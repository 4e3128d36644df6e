// Searching by time, in steps that never wait.
#include "broker/core/time_search.h"

#include <algorithm>

#include "broker/protocol/record_batch.h"

namespace broker::core {

bool TimeSearch::attempt(storage::Store& store) {
  for (;;) {
    if (!searched_) {
      if (!find_batch(store) || (largest_ && batch_ && !halve(store))) return false;
      searched_ = true;
    }
    if (!batch_) return true;
    if (batch_->first >= store.bounds(partition_).value_or(storage::PartitionBounds{}).start)
      return look_into_batch(store);
    // Deleted since it was found.
    batch_.reset();
    searched_ = false;
    high_ = INT64_MAX;
  }
}

bool TimeSearch::find_batch(storage::Store& store) {
  if (batch_) return true;
  const auto found = store.try_find_time(partition_, timestamp_ms_);
  if (found) batch_ = *found;
  return found.has_value();
}

// "Some batch has a time ≥ t" holds up to the largest time and not beyond it.
bool TimeSearch::halve(storage::Store& store) {
  while (batch_->second < high_) {
    const std::int64_t middle = batch_->second + (high_ - batch_->second) / 2 + 1;
    const auto found = store.try_find_time(partition_, middle);
    if (!found) return false;
    if (*found) {
      batch_ = *found;
    } else {
      high_ = middle - 1;
    }
  }
  return true;
}

bool TimeSearch::look_into_batch(storage::Store& store) {
  const auto read = store.try_read(partition_, batch_->first, 0);  // one whole batch
  if (!read) return false;
  found_ = TimedOffset{batch_->first, batch_->second, -1};
  const auto batch = protocol::peek_batch(read->bytes);
  if (!batch) return true;
  found_->leader_epoch = batch->leader_epoch;
  const auto wanted_ms = largest_ ? batch_->second : timestamp_ms_;
  if (const auto record = protocol::find_record(*batch, batch_->first.value(), wanted_ms)) {
    found_->offset = storage::Offset(record->offset);
    found_->timestamp_ms = record->timestamp_ms;
  }
  return true;
}

}  // namespace broker::core
