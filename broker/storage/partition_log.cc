// One partition's log: old batches come from segment files, the newest from memory.
#include "broker/storage/partition_log.h"

#include <algorithm>

#include "common/ensure.h"

namespace broker::storage {

PartitionLog::PartitionLog(const PartitionMark& mark, SegmentFiles& files)
    : ref_(mark.partition), files_(files), start_(mark.start), end_(mark.end), durable_end_(mark.end) {
  for (const SegmentMark& segment : mark.segments) {
    segments_.emplace_back(files.at(ref_, segment.base), segment);
    bytes_ += segment.bytes;
  }
}

PartitionBounds PartitionLog::bounds() const { return {start_, end_, durable_end_, bytes_}; }

PartitionMark PartitionLog::mark() const {
  PartitionMark mark{.partition = ref_, .start = start_, .end = end_, .segments = {}};
  for (const Segment& segment : segments_) mark.segments.push_back(segment.mark());
  return mark;
}

bool PartitionLog::begins_segment(std::uint64_t bytes, std::uint64_t segment_bytes) const {
  if (segments_.empty()) return true;
  const std::uint64_t filled = segments_.back().mark().bytes;
  return filled > 0 && filled + bytes > segment_bytes;
}

Segment& PartitionLog::segment_for(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes) {
  if (!begins_segment(bytes, segment_bytes)) return segments_.back();
  if (!next_ || next_->mark().base != base) next_.emplace(files_.at(ref_, base), base);
  return *next_;
}

AppendPlace PartitionLog::place(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes) {
  if (begins_segment(bytes, segment_bytes)) return {base, 0};
  return {segments_.back().mark().base, segments_.back().mark().bytes};
}

void PartitionLog::add(const Append& append, const AppendPlace& place) {
  if (segments_.empty() || segments_.back().mark().base != place.segment_base) {
    if (next_ && next_->mark().base == place.segment_base) {
      segments_.push_back(std::move(*next_));
    } else {
      segments_.emplace_back(files_.at(ref_, place.segment_base), place.segment_base);
    }
    next_.reset();
  }
  Segment& segment = segments_.back();
  ENSURE(segment.mark().bytes == place.position, "appends of a segment follow each other without a gap");
  segment.add(append);
  end_ = segment.mark().end;
  bytes_ += append.bytes.size();
}

void PartitionLog::push_tail(const Append& append, const AppendPlace& place, SharedBytes keep_alive) {
  tail_.push_back({append.base, Offset(append.base.value() + append.count), append.max_timestamp_ms, place,
                   append.bytes, std::move(keep_alive)});
}

std::vector<std::shared_ptr<SegmentFile>> PartitionLog::move_start(Offset start) {
  std::vector<std::shared_ptr<SegmentFile>> gone;
  start_ = std::max(start_, start);
  while (segments_.size() > 1 && segments_.front().mark().end <= start_) {
    gone.push_back(segments_.front().file());
    bytes_ -= segments_.front().mark().bytes;
    segments_.pop_front();
  }
  return gone;
}

std::vector<std::shared_ptr<SegmentFile>> PartitionLog::take_files() {
  std::vector<std::shared_ptr<SegmentFile>> files;
  files.reserve(segments_.size() + 1);
  for (const Segment& segment : segments_) files.push_back(segment.file());
  if (next_) files.push_back(next_->file());
  return files;
}

std::uint64_t PartitionLog::limit_of(const Segment& segment) const {
  if (tail_.empty() || tail_.front().place.segment_base > segment.mark().base) return segment.mark().bytes;
  return tail_.front().place.segment_base == segment.mark().base ? tail_.front().place.position : 0;
}

std::vector<std::byte> PartitionLog::read_tail(Offset from, std::uint64_t bytes_max) const {
  std::vector<std::byte> bytes;
  auto batch = std::ranges::upper_bound(tail_, from, {}, &TailBatch::end);
  for (; batch != tail_.end() && batch->end <= durable_end_; ++batch) {
    if (!bytes.empty() && bytes.size() + batch->bytes.size() > bytes_max) break;
    bytes.insert(bytes.end(), batch->bytes.begin(), batch->bytes.end());
  }
  return bytes;
}

std::vector<std::byte> PartitionLog::read(Offset from, std::uint64_t bytes_max) {
  ENSURE(from >= start_ && from <= durable_end_, "reads stay between the start and the durable end");
  if (from == durable_end_) return {};
  if (!tail_.empty() && from >= tail_.front().base) return read_tail(from, bytes_max);
  auto segment = std::ranges::upper_bound(segments_, from, {}, [](const Segment& s) { return s.mark().end; });
  ENSURE(segment != segments_.end(), "every offset below the end lies in a segment");
  return segment->read(files_, from, bytes_max, limit_of(*segment));
}

std::optional<std::pair<Offset, std::int64_t>> PartitionLog::find_time(std::int64_t timestamp_ms) {
  for (Segment& segment : segments_) {
    if (segment.mark().max_timestamp_ms < timestamp_ms || segment.mark().end <= start_) continue;
    const auto found = segment.find_time(files_, timestamp_ms, limit_of(segment));
    if (found) return std::pair(std::max(found->base, start_), found->max_timestamp_ms);
  }
  for (const TailBatch& batch : tail_) {
    if (batch.end > durable_end_) break;
    if (batch.max_timestamp_ms >= timestamp_ms && batch.end > start_)
      return std::pair(std::max(batch.base, start_), batch.max_timestamp_ms);
  }
  return std::nullopt;
}

}  // namespace broker::storage
