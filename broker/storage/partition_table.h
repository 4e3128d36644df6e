// All partitions' logs, as the records about topics say. The same function serves a live submit and the replay.
#pragma once

#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/storage/partition_log.h"

namespace broker::storage {

struct PartitionRefHash {
  std::size_t operator()(const PartitionRef& ref) const noexcept {
    std::uint64_t topic = 0;  // a random uuid is its own hash
    std::memcpy(&topic, ref.topic.data() + 8, sizeof topic);
    return static_cast<std::size_t>(topic ^
                                    (static_cast<std::uint64_t>(ref.partition.value()) * 0x9e3779b97f4a7c15ULL));
  }
};

// What may be unlinked once a checkpoint no longer knows it.
struct Obsolete {
  std::vector<std::shared_ptr<SegmentFile>> segments;
  std::vector<TopicId> topics;
};

// Core thread only.
class PartitionTable {
 public:
  explicit PartitionTable(SegmentAccess& access) : access_(access) {}

  void load(const std::vector<PartitionMark>& marks);
  // Null: no such partition.
  [[nodiscard]] std::shared_ptr<PartitionLog> find(const PartitionRef& ref) const;
  // Damage that was given up, for checkpoints to keep.
  [[nodiscard]] const std::vector<LossAccepted>& losses() const { return losses_; }
  // What the record means for the partitions; nothing for most. An Append is not for here.
  void apply(const Record& record);
  [[nodiscard]] std::vector<PartitionMark> marks() const;
  // Indexes that are worth writing now.
  [[nodiscard]] std::vector<IndexWrite> take_indexes(std::uint64_t bytes_min, bool last);
  [[nodiscard]] Obsolete take_obsolete() { return std::exchange(obsolete_, {}); }
  [[nodiscard]] std::vector<std::pair<PartitionRef, Offset>> ends() const;

 private:
  void grow(const TopicId& topic, std::int32_t partitions);

  SegmentAccess& access_;
  std::unordered_map<PartitionRef, std::shared_ptr<PartitionLog>, PartitionRefHash> logs_;
  std::unordered_map<PartitionRef, std::int32_t, PartitionRefHash> counts_;  // by the topic's partition 0
  Obsolete obsolete_;
  std::vector<LossAccepted> losses_;
};

}  // namespace broker::storage
