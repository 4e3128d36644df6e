// One segment of a partition as the core thread knows it: its bounds, a sparse index, and reading batches from its
// file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/storage/batch_header.h"
#include "broker/storage/checkpoint.h"
#include "broker/storage/segment_files.h"

namespace broker::storage {

// Core thread only (recovery: before there are others).
class Segment {
 public:
  Segment(std::shared_ptr<SegmentFile> file, Offset base) : mark_{.base = base, .end = base}, file_(std::move(file)) {}
  // One that lies there already: its index is made when it is first read.
  Segment(std::shared_ptr<SegmentFile> file, const SegmentMark& mark)
      : mark_(mark), file_(std::move(file)), indexed_from_(mark.bytes) {}

  [[nodiscard]] const SegmentMark& mark() const { return mark_; }
  [[nodiscard]] const std::shared_ptr<SegmentFile>& file() const { return file_; }
  [[nodiscard]] std::uint64_t reserved() const { return reserved_; }
  void set_reserved(std::uint64_t bytes) { reserved_ = bytes; }

  // Takes the append into bounds and index; it begins at mark().bytes.
  void add(const Append& append);

  // Whole batches from the one that holds `from`, none of them at or past position `limit`; at most bytes_max, but one
  // at least. Throws CorruptError naming file and byte.
  [[nodiscard]] std::vector<std::byte> read(SegmentFiles& files, Offset from, std::uint64_t bytes_max,
                                            std::uint64_t limit);
  // The first batch below `limit` whose max timestamp is at least the time.
  [[nodiscard]] std::optional<BatchHeader> find_time(SegmentFiles& files, std::int64_t timestamp_ms,
                                                     std::uint64_t limit);

 private:
  struct Entry {
    Offset base;
    std::uint64_t position = 0;
    std::int64_t max_before_ms = -1;  // greatest timestamp of all batches before this one
  };
  struct Found {
    BatchHeader header;
    std::uint64_t position = 0;
  };
  // The first batch from `entry` on, below `limit`, that `wanted` takes.
  template <class Wanted>
  std::optional<Found> scan(SegmentFiles& files, std::uint64_t position, std::uint64_t limit, Wanted wanted);
  void index_old_part(SegmentFiles& files);
  [[noreturn]] void refuse(std::uint64_t position) const;

  SegmentMark mark_;
  std::shared_ptr<SegmentFile> file_;
  std::uint64_t reserved_ = 0;
  std::vector<Entry> index_;  // in order; covers what lies at or past indexed_from_
  std::uint64_t indexed_from_ = 0;
  Offset next_read_{-1};  // where the last read ended, for consumers that read on
  std::uint64_t next_read_position_ = 0;
};

}  // namespace broker::storage
