// A segment's bounds and index, in memory.
#include "broker/storage/segment.h"

#include <algorithm>
#include <utility>

namespace broker::storage {

void Segment::add(const Append& append) {
  if (recent_.empty() || mark_.bytes - recent_.back().position >= kIndexEveryBytes)
    recent_.push_back({append.base, mark_.bytes, mark_.max_timestamp_ms});
  if (mark_.bytes == 0) mark_.first_append_ms = append.appended_at_ms;
  mark_.end = Offset(append.base.value() + append.count);
  mark_.bytes += append.bytes.size();
  mark_.max_timestamp_ms = std::max(mark_.max_timestamp_ms, append.max_timestamp_ms);
  mark_.last_append_ms = append.appended_at_ms;
}

SegmentQuestion Segment::question_of(const PartitionRef& partition, std::uint64_t limit) const {
  SegmentQuestion question;
  question.file = file_;
  question.identity = {partition, mark_.base};
  question.bytes = mark_.bytes;
  question.limit = limit;
  question.old_bytes = old_bytes_;
  return question;
}

SegmentQuestion Segment::question(const PartitionRef& partition, Offset from, std::uint64_t limit,
                                  IndexCache& indexes) const {
  SegmentQuestion question = question_of(partition, limit);
  question.from = from;
  const auto recent = std::ranges::upper_bound(recent_, from, {}, &IndexEntry::base);
  if (from == next_read_.base) {
    question.entry = next_read_;
  } else if (recent != recent_.begin()) {
    question.entry = *std::prev(recent);
  } else {
    question.old_index = indexes.find(file_);
    // Loaded when the file did not have all of it yet.
    if (question.old_index && question.old_index->end <= from) question.old_index = nullptr;
  }
  return question;
}

SegmentQuestion Segment::question_by_time(const PartitionRef& partition, std::int64_t timestamp_ms, Offset start,
                                          std::uint64_t limit, IndexCache& indexes) const {
  SegmentQuestion question = question_of(partition, limit);
  question.from = start;
  question.timestamp_ms = timestamp_ms;
  const auto later = std::ranges::partition_point(
      recent_, [timestamp_ms](const IndexEntry& entry) { return entry.max_before_ms < timestamp_ms; });
  if (later != recent_.begin()) {
    question.entry = *std::prev(later);
  } else if (old_bytes_ == 0 && !recent_.empty()) {
    question.entry = recent_.front();
  } else {
    question.old_index = indexes.find(file_);
  }
  return question;
}

std::optional<IndexWrite> Segment::take_index(const PartitionRef& partition, std::uint64_t bytes_min, bool last,
                                              IndexCache& indexes) {
  if (mark_.bytes == indexed_bytes_ && !(sealed_ && !recent_.empty())) return std::nullopt;
  // Grown by an eighth: a start walks little, and what is written in all stays a small multiple of the last index.
  const std::uint64_t enough = last || sealed_ ? 0 : std::max(bytes_min, indexed_bytes_ / 8);
  if (mark_.bytes - indexed_bytes_ < enough) return std::nullopt;
  auto recent = std::make_shared<SegmentIndex>(mark_.base);
  recent->covers = mark_.bytes;
  recent->end = mark_.end;
  recent->max_timestamp_ms = mark_.max_timestamp_ms;
  IndexWrite write{file_, {partition, mark_.base}, old_bytes_, recent, sealed_ && reserved_ > mark_.bytes};
  indexed_bytes_ = mark_.bytes;
  if (sealed_) {
    // From now on like any old segment: its index is in the cache, in its file, or nowhere.
    recent->entries = std::exchange(recent_, {});
    indexes.forget(file_);
    if (old_bytes_ == 0) indexes.put(file_, recent);
    old_bytes_ = mark_.bytes;
  } else {
    recent->entries = recent_;
  }
  if (mark_.bytes < bytes_min) return std::nullopt;
  return write;
}

}  // namespace broker::storage
