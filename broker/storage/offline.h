// A data folder as it lies there: read, proven and never changed. For `outbox-broker check` and `dump`, on the folder
// of a stopped broker, on a copy, on a damaged one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/storage/checkpoint.h"
#include "broker/storage/journal_reader.h"
#include "broker/storage/partition_table.h"
#include "broker/storage/store.h"

namespace broker::storage {

// Something that is not as it was written.
struct Finding {
  std::optional<PartitionRef> partition;  // none: it concerns the whole folder
  std::string text;                       // file, byte, what is wrong, which offsets
};

struct OfflineTotals {
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::int64_t records = 0;
  std::uint64_t bytes = 0;  // of batches read
};

class OfflineFolder {
 public:
  // Reads superblock, checkpoint and journal, as far as they can be read, and feeds `state` (loosely: what is damaged
  // is told in findings()). Throws common::Error when there is no such folder or a broker has it open (exit 78).
  OfflineFolder(FileSystem& fs, std::filesystem::path folder, StateMachine& state);
  ~OfflineFolder();
  OfflineFolder(const OfflineFolder&) = delete;
  OfflineFolder& operator=(const OfflineFolder&) = delete;

  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  // None: damaged or of another version; then nothing else of the folder can be proven.
  [[nodiscard]] const std::optional<Superblock>& superblock() const { return superblock_; }
  [[nodiscard]] const std::optional<Checkpoint>& checkpoint() const { return checkpoint_; }
  [[nodiscard]] const JournalEnd& journal_end() const { return journal_end_; }
  // Bounds after the journal; none: no such partition.
  [[nodiscard]] std::optional<PartitionBounds> bounds(const PartitionRef& partition) const;
  [[nodiscard]] const std::vector<LossAccepted>& losses() const { return partitions_->losses(); }

  // Reads every batch of every segment, and adds what it finds.
  OfflineTotals check_segments();

 private:
  void read_checkpoint();
  void read_journal_records();
  void apply(const FrameView& frame);
  void check_append(const Append& append, const AppendPlace& place, const FrameView& frame);
  void check_segment(const PartitionMark& partition, const SegmentMark& segment, OfflineTotals& totals);
  void find_gaps(const PartitionMark& partition);
  void find(std::string text, std::optional<PartitionRef> partition = {});

  FileSystem& fs_;
  const std::filesystem::path folder_;
  StateMachine& state_;
  std::unique_ptr<FolderLock> lock_;
  std::vector<Finding> findings_;
  std::optional<Superblock> superblock_;
  std::optional<Checkpoint> checkpoint_;
  std::unique_ptr<SegmentFiles> files_;
  std::unique_ptr<SegmentAccess> access_;
  std::unique_ptr<PartitionTable> partitions_;
  JournalEnd journal_end_;
  OfflineTotals journal_totals_;
};

}  // namespace broker::storage
