// Reading batches out of a segment's file: a question with all that it needs, answered by any thread. The core thread
// asks without waiting for the disk; what is not in memory, the reader's thread asks again (cold_reads.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/storage/segment_files.h"
#include "broker/storage/segment_index.h"
#include "common/byte_buffer.h"

namespace broker::storage {

struct SegmentQuestion {
  std::shared_ptr<SegmentFile> file;
  SegmentIdentity identity;
  std::uint64_t bytes = 0;      // of the segment
  std::uint64_t limit = 0;      // nothing at or past this position is answered
  std::uint64_t old_bytes = 0;  // what lay there before this process knew the segment: its index is in the file
  std::shared_ptr<const SegmentIndex> old_index;  // of old_bytes; null: not loaded
  std::optional<IndexEntry> entry;                // where to begin, when that is known without the old index
  // What is asked for: whole batches from the one that holds `from` on, at most bytes_max but at least one. Or, with a
  // time: the first batch ending behind `from` whose max timestamp is at least that.
  Offset from;
  std::uint64_t bytes_max = 0;
  std::optional<std::int64_t> timestamp_ms;
};

struct SegmentAnswer {
  bool would_block = false;  // nothing else is set
  common::ByteBuffer bytes;
  std::optional<BatchHeader> found;               // by time
  std::optional<IndexEntry> next;                 // what follows the bytes
  std::shared_ptr<const SegmentIndex> old_index;  // when it was loaded for this
};

enum class MayWait { yes, no };

// Throws CorruptError that names file and byte, IoError when the disk fails.
[[nodiscard]] SegmentAnswer answer(SegmentFiles& files, const Superblock& superblock, const SegmentQuestion& question,
                                   MayWait may_wait);

// The index of a segment's first `bytes`: from its file as far as that goes, the rest by hopping over the batches'
// headers; what it cost much to find is written. Waits for the disk.
[[nodiscard]] std::shared_ptr<const SegmentIndex> load_index(SegmentFiles& files, const Superblock& superblock,
                                                             const std::shared_ptr<SegmentFile>& segment,
                                                             const SegmentIdentity& identity, std::uint64_t bytes);

// Throws CorruptError.
[[noreturn]] void refuse_segment(const std::filesystem::path& segment, const PartitionRef& partition,
                                 std::uint64_t position);

}  // namespace broker::storage
