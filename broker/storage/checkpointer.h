// Makes checkpoints in the order that keeps every acknowledged byte in at least one durable place, and holds the
// journal back when it runs too far ahead of them. Order: README.md, "Checkpoint".
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/journal_files.h"
#include "broker/storage/partition_table.h"
#include "broker/storage/segment_files.h"

namespace broker::storage {

// Taken on the core thread at a frame's end; where that frame ends in the journal is known only when it is written.
struct CheckpointRequest {
  std::uint64_t sequence = 0;
  std::vector<std::byte> encoded;
  Obsolete obsolete;
  std::vector<IndexWrite> indexes;
};

enum class CheckpointOutcome { nothing_to_do, done, no_room };

// Thread-safe.
class Checkpointer {
 public:
  // `last`: the position of the newest checkpoint on the disk.
  Checkpointer(FileSystem& fs, std::filesystem::path folder, const Superblock& superblock, JournalFiles& journal,
               SegmentFiles& segments, const JournalPosition& written, std::uint64_t uncheckpointed_bytes_max);

  // Core thread.
  [[nodiscard]] bool in_progress() const;
  // True once: the journal waits for a checkpoint that nobody has asked for.
  [[nodiscard]] bool take_wanted();
  void request(CheckpointRequest request);

  // Journal thread: may this frame be written now? If not, a checkpoint is wanted or under way.
  [[nodiscard]] bool may_write(std::uint64_t sequence);
  // No journal file is free for the frame; a checkpoint or one more file must help.
  void starved(std::uint64_t sequence, std::uint64_t frame_bytes);
  void wrote(const JournalPosition& position, std::uint64_t bytes);

  // Background thread, or close(): makes the requested checkpoint when the segments have been written up to it. Throws
  // IoError when the outcome of a flush is unknown: poison.
  CheckpointOutcome run(std::uint64_t segments_written);
  [[nodiscard]] bool ready(std::uint64_t segments_written) const;

 private:
  struct Written {
    JournalPosition position;
    std::uint64_t bytes = 0;  // of frames since the start
  };
  void finish(const JournalPosition& position, const std::vector<IndexWrite>& indexes);
  void write_indexes(const std::vector<IndexWrite>& indexes);

  FileSystem& fs_;
  const std::filesystem::path folder_;
  const Superblock superblock_;
  JournalFiles& journal_;
  SegmentFiles& segments_;
  const std::uint64_t uncheckpointed_bytes_max_;

  mutable std::mutex mutex_;  // guards all below
  std::optional<CheckpointRequest> request_;
  bool wanted_ = false;
  Written last_written_;
  Written written_before_;
  std::optional<JournalPosition> request_position_;
  std::uint64_t request_bytes_ = 0;
  std::uint64_t checkpointed_bytes_ = 0;
  Obsolete obsolete_;  // of requests that could not be finished too
};

}  // namespace broker::storage
