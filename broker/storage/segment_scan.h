// Reads a whole segment, every batch with its checksum: for the offline check, and to see what of a damaged one is
// left.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/segment_index.h"

namespace broker::storage {

// Whole batches that follow each other without a gap.
struct WholeRun {
  SegmentMark mark;            // bounds, bytes and greatest timestamp of these batches
  std::uint64_t position = 0;  // in the file
};

struct SegmentDamage {
  std::uint64_t position = 0;
  Offset from;  // the first offset that is lost
  Offset to;    // the first one that is there again, or the segment's end
  std::string what;
};

struct SegmentScan {
  std::vector<WholeRun> runs;
  std::vector<SegmentDamage> damages;
  std::uint64_t bytes = 0;  // of whole batches
};

// The first `mark.bytes` of the file (null: it is missing). After a damage it goes on where the damaged batch ends, if
// a whole batch begins there, or else at the next entry of the segment's index that leads to one. `each` sees every
// whole batch's header with its position.
[[nodiscard]] SegmentScan scan_segment(File* file, const SegmentMark& mark, const SegmentIndex* index,
                                       const std::function<void(const BatchHeader&, std::uint64_t)>& each = {});

}  // namespace broker::storage
