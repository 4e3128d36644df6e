// A checkpoint: all state up to a frame, so that the journal before it may go. Format: README.md, "Checkpoint".
#pragma once

#include <optional>
#include <vector>

#include "broker/storage/file.h"
#include "broker/storage/journal_format.h"
#include "broker/storage/record.h"
#include "broker/storage/superblock.h"

namespace broker::storage {

struct SegmentMark {
  Offset base;
  Offset end;
  std::uint64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t first_append_ms = 0;
  std::int64_t last_append_ms = 0;
};
struct PartitionMark {
  PartitionRef partition;
  Offset start;
  Offset end;
  std::vector<SegmentMark> segments;
};

struct Checkpoint {
  JournalPosition position;
  bool clean = false;
  std::int32_t leader_epoch = 0;
  std::vector<PartitionMark> partitions;
  std::vector<Record> records;
};

[[nodiscard]] std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::uint64_t sequence);
[[nodiscard]] std::vector<std::byte> encode_checkpoint(const Checkpoint& checkpoint, const Superblock& superblock);
// Makes the position known late (the frame was not written yet when the state was taken) part of the encoded
// checkpoint.
void set_position(std::vector<std::byte>& encoded, const JournalPosition& position, const Superblock& superblock);
// Throws CorruptError when it is damaged, naming file and byte.
[[nodiscard]] Checkpoint read_checkpoint(FileSystem& fs, const std::filesystem::path& path,
                                         const Superblock& superblock);
// The newest one; none: there is none at all. Throws CorruptError when it is damaged, naming file and byte.
[[nodiscard]] std::optional<Checkpoint> read_newest_checkpoint(FileSystem& fs, const std::filesystem::path& folder,
                                                               const Superblock& superblock);
// Unlinks all that are older than `sequence`, and temporary leftovers.
void remove_older_checkpoints(FileSystem& fs, const std::filesystem::path& folder, std::uint64_t sequence);

}  // namespace broker::storage
