// One segment of a partition as the core thread knows it: its bounds, the index of what this process appended, and the
// questions that its reader answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/segment_reader.h"

namespace broker::storage {

// An index to be written beside its segment, by the background thread.
struct IndexWrite {
  std::shared_ptr<SegmentFile> file;
  SegmentIdentity identity;
  std::uint64_t old_bytes = 0;                 // these are in the index's file already, or are walked
  std::shared_ptr<const SegmentIndex> recent;  // what lies behind them
  bool give_back = false;                      // sealed with more room reserved than it needs
};

// Core thread only (recovery: before there are others).
class Segment {
 public:
  Segment(std::shared_ptr<SegmentFile> file, Offset base) : mark_{.base = base, .end = base}, file_(std::move(file)) {}
  // One that lies there already: its index is loaded when it is first read.
  Segment(std::shared_ptr<SegmentFile> file, const SegmentMark& mark)
      : mark_(mark), file_(std::move(file)), old_bytes_(mark.bytes), indexed_bytes_(mark.bytes) {}

  [[nodiscard]] const SegmentMark& mark() const { return mark_; }
  [[nodiscard]] const std::shared_ptr<SegmentFile>& file() const { return file_; }
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }
  void set_reserved(std::uint64_t bytes) { reserved_ = bytes; }

  // Takes the append into bounds and index; it begins at mark().bytes.
  void add(const Append& append);
  // Nothing is appended any more.
  void seal() { sealed_ = true; }

  // What is asked of the file, none of it at or past `limit`. The old index comes from the cache, if it is there.
  [[nodiscard]] SegmentQuestion question(const PartitionRef& partition, Offset from, std::uint64_t limit,
                                         IndexCache& indexes) const;
  [[nodiscard]] SegmentQuestion question_by_time(const PartitionRef& partition, std::int64_t timestamp_ms, Offset start,
                                                 std::uint64_t limit, IndexCache& indexes) const;
  // Where a reader stopped: it will read on from there.
  void note_read(const std::optional<IndexEntry>& next) {
    if (next) next_read_ = *next;
  }

  // The index for its file when enough has come since it was written, or at the end of all appending; none: not now.
  // `bytes_min`: smaller segments are walked and have none.
  [[nodiscard]] std::optional<IndexWrite> take_index(const PartitionRef& partition, std::uint64_t bytes_min, bool last,
                                                     IndexCache& indexes);
  [[nodiscard]] bool sealed() const { return sealed_; }

 private:
  [[nodiscard]] SegmentQuestion question_of(const PartitionRef& partition, std::uint64_t limit) const;

  SegmentMark mark_;
  std::shared_ptr<SegmentFile> file_;
  std::uint64_t reserved_ = 0;
  std::vector<IndexEntry> recent_;   // in order; covers what lies at or past old_bytes_
  std::uint64_t old_bytes_ = 0;      // what lies before is in the index's file, or is walked
  std::uint64_t indexed_bytes_ = 0;  // the file was asked to cover these
  bool sealed_ = false;
  IndexEntry next_read_{Offset(-1), 0, -1};
};

}  // namespace broker::storage
