// Giving up what is damaged in a partition, on an operator's word (`run --accept-loss TOPIC/PARTITION`), so that the
// rest of it can be served again. What is whole is kept, on both sides of the damage; the damaged file is kept beside
// as
// `.damaged`; the partition's end stays where it was, so no offset is ever given twice.
#pragma once

#include <filesystem>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/segment_files.h"

namespace broker::storage {

struct AcceptedLoss {
  std::vector<LossAccepted> lost;   // none: the partition was whole
  bool last_segment_split = false;  // what the journal has of it goes on in a new segment
};

// Reads all of the partition. Changes `mark` to what is left of it; the files it names are durable when this returns,
// and none that the old mark names is changed, so this may be interrupted and repeated until a checkpoint has the new
// mark. Throws IoError.
[[nodiscard]] AcceptedLoss accept_loss(SegmentFiles& files, const Superblock& superblock, PartitionMark& mark,
                                       std::int64_t now_ms);

}  // namespace broker::storage
