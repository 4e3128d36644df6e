// Opens a data folder: locks it, makes it when it is new, brings segments and state to where the journal ends, and
// leaves a new checkpoint behind. May be interrupted and repeated at any point.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/storage/journal_files.h"
#include "broker/storage/partition_table.h"
#include "broker/storage/segment_files.h"
#include "broker/storage/store.h"
#include "broker/storage/superblock.h"

namespace broker::storage {

struct OpenedFolder {
  std::unique_ptr<FolderLock> lock;
  Superblock superblock;
  std::unique_ptr<JournalFiles> journal;
  std::unique_ptr<SegmentFiles> segments;
  std::unique_ptr<SegmentAccess> access;
  std::unique_ptr<PartitionTable> partitions;
  JournalPosition position;  // the last frame; the next one begins a fresh file of the next generation
  std::int32_t leader_epoch = 0;
};

// Throws common::Error: exit 78 for another version or a folder in use, 74 for damage and failures of the disk.
[[nodiscard]] OpenedFolder open_folder(FileSystem& fs, const common::Clock& clock, const StoreOptions& options,
                                       StateMachine& state);

}  // namespace broker::storage
