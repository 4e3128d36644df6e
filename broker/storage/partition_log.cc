// One partition's log: old batches come from segment files, the newest from memory.
#include "broker/storage/partition_log.h"

#include <algorithm>
#include <utility>

#include "common/ensure.h"

namespace broker::storage {

PartitionLog::PartitionLog(const PartitionMark& mark, SegmentAccess& access)
    : ref_(mark.partition), access_(access), start_(mark.start), end_(mark.end), durable_end_(mark.end) {
  for (const SegmentMark& segment : mark.segments) {
    if (!segments_.empty()) segments_.back().seal();
    segments_.emplace_back(access_.files.at(ref_, segment.base), segment);
    bytes_ += segment.bytes;
  }
  // Its end was lost: what comes next does not follow it.
  if (!segments_.empty() && segments_.back().mark().end != end_) segments_.back().seal();
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
  return segments_.back().sealed() || (filled > 0 && filled + bytes > segment_bytes);
}

Segment& PartitionLog::segment_for(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes) {
  if (!begins_segment(bytes, segment_bytes)) return segments_.back();
  if (!next_ || next_->mark().base != base) next_.emplace(access_.files.at(ref_, base), base);
  return *next_;
}

AppendPlace PartitionLog::place(Offset base, std::uint64_t bytes, std::uint64_t segment_bytes) {
  if (begins_segment(bytes, segment_bytes)) return {base, 0};
  return {segments_.back().mark().base, segments_.back().mark().bytes};
}

bool PartitionLog::is_continued_by(const Append& append, const AppendPlace& place) const {
  const bool grows = !segments_.empty() && segments_.back().mark().base == place.segment_base;
  return append.base == end_ && place.position == (grows ? segments_.back().mark().bytes : 0);
}

void PartitionLog::add(const Append& append, const AppendPlace& place) {
  if (segments_.empty() || segments_.back().mark().base != place.segment_base) {
    if (!segments_.empty()) segments_.back().seal();
    if (next_ && next_->mark().base == place.segment_base) {
      segments_.push_back(std::move(*next_));
    } else {
      segments_.emplace_back(access_.files.at(ref_, place.segment_base), place.segment_base);
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
  while (!segments_.empty() && segments_.front().mark().end <= start_) {
    gone.push_back(segments_.front().file());
    access_.indexes.forget(segments_.front().file());
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

common::ByteBuffer PartitionLog::read_tail(Offset from, std::uint64_t bytes_max) const {
  const auto first = std::ranges::upper_bound(tail_, from, {}, &TailBatch::end);
  auto last = first;
  std::size_t size = 0;
  for (; last != tail_.end() && last->end <= durable_end_; ++last) {
    if (size > 0 && size + last->bytes.size() > bytes_max) break;
    size += last->bytes.size();
  }
  common::ByteBuffer bytes(size);
  auto end = bytes.begin();
  for (auto batch = first; batch != last; ++batch) end = std::ranges::copy(batch->bytes, end).out;
  return bytes;
}

std::optional<common::ByteBuffer> PartitionLog::read_as(Offset from, std::uint64_t bytes_max, MayWait may_wait,
                                                        ColdQuestion& cold) {
  ENSURE(from >= start_ && from <= durable_end_, "reads stay between the start and the durable end");
  if (from == durable_end_) return common::ByteBuffer();
  if (!tail_.empty() && from >= tail_.front().base) return read_tail(from, bytes_max);
  const auto segment = std::ranges::upper_bound(segments_, from, {}, [](const Segment& s) { return s.mark().end; });
  // Offsets of an accepted loss hold nothing: what follows them is given, when there is any.
  if (segment == segments_.end()) return common::ByteBuffer();
  from = std::max(from, segment->mark().base);
  if (!tail_.empty() && from >= tail_.front().base) return read_tail(from, bytes_max);
  SegmentQuestion question = segment->question(ref_, from, limit_of(*segment), access_.indexes);
  question.bytes_max = bytes_max;
  SegmentAnswer found = answer(access_.files, access_.superblock, question, may_wait);
  if (found.would_block) {
    cold.segments.push_back(std::move(question));
    return std::nullopt;
  }
  learn(question, found);
  return std::move(found.bytes);
}

common::ByteBuffer PartitionLog::read(Offset from, std::uint64_t bytes_max) {
  ColdQuestion none;
  return read_as(from, bytes_max, MayWait::yes, none).value_or(common::ByteBuffer());
}

std::optional<common::ByteBuffer> PartitionLog::try_read(Offset from, std::uint64_t bytes_max, ColdQuestion& cold) {
  return read_as(from, bytes_max, MayWait::no, cold);
}

void PartitionLog::learn(const SegmentQuestion& question, const SegmentAnswer& answer) {
  const auto segment = std::ranges::find_if(segments_, [&](const Segment& s) { return s.file() == question.file; });
  if (segment == segments_.end()) return;  // gone meanwhile
  if (answer.old_index && answer.old_index != question.old_index) access_.indexes.put(question.file, answer.old_index);
  segment->note_read(answer.next);
}

void PartitionLog::learn(const ColdAnswer& cold) {
  for (std::size_t i = 0; i < cold.answers.size(); ++i) learn(cold.question.segments[i], cold.answers[i]);
}

void PartitionLog::roll() {
  if (!segments_.empty() && segments_.back().mark().bytes > 0) segments_.back().seal();
}

void PartitionLog::take_indexes(std::uint64_t bytes_min, bool last, std::vector<IndexWrite>& into) {
  for (Segment& segment : segments_) {
    if (auto write = segment.take_index(ref_, bytes_min, last, access_.indexes)) into.push_back(std::move(*write));
  }
}

FoundTime PartitionLog::find_time(std::int64_t timestamp_ms) {
  ColdQuestion none;
  return find_time_as(timestamp_ms, MayWait::yes, none).value_or(FoundTime());
}

std::optional<FoundTime> PartitionLog::try_find_time(std::int64_t timestamp_ms, ColdQuestion& cold) {
  return find_time_as(timestamp_ms, MayWait::no, cold);
}

// From the first segment on that cannot be asked without waiting, all are left to whoever may.
std::optional<FoundTime> PartitionLog::find_time_as(std::int64_t timestamp_ms, MayWait may_wait, ColdQuestion& cold) {
  for (const Segment& segment : segments_) {
    if (segment.mark().max_timestamp_ms < timestamp_ms || segment.mark().end <= start_) continue;
    SegmentQuestion question = segment.question_by_time(ref_, timestamp_ms, start_, limit_of(segment), access_.indexes);
    SegmentAnswer found;
    if (cold.segments.empty()) found = answer(access_.files, access_.superblock, question, may_wait);
    if (!cold.segments.empty() || found.would_block) {
      cold.segments.push_back(std::move(question));
      continue;
    }
    learn(question, found);
    if (found.found) return std::pair(std::max(found.found->base, start_), found.found->max_timestamp_ms);
  }
  if (cold.segments.empty()) return find_time_in_tail(timestamp_ms);
  cold.upto = files_end();
  return std::nullopt;
}

std::optional<FoundTime> PartitionLog::conclude(const ColdAnswer& cold, std::int64_t timestamp_ms) {
  learn(cold);
  if (!cold.answers.empty() && cold.answers.back().found) {
    const BatchHeader& found = *cold.answers.back().found;
    return std::pair(std::max(found.base, start_), found.max_timestamp_ms);
  }
  // What has left the memory since would be overlooked.
  if (files_end() != cold.question.upto) return std::nullopt;
  return find_time_in_tail(timestamp_ms);
}

FoundTime PartitionLog::find_time_in_tail(std::int64_t timestamp_ms) const {
  for (const TailBatch& batch : tail_) {
    if (batch.end > durable_end_) break;
    if (batch.max_timestamp_ms >= timestamp_ms && batch.end > start_)
      return std::pair(std::max(batch.base, start_), batch.max_timestamp_ms);
  }
  return std::nullopt;
}

}  // namespace broker::storage
