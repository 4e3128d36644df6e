// The state machine that the journal feeds: topics, groups' offsets and generations, producers, epochs.
// apply() is the same function live and in replay: it decides nothing, reads no clock and no random number.
// Core thread only. Tickets in it are of this process's life: they say when what was applied will be durable, and are
// neither compared nor snapshotted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/producers.h"
#include "broker/core/topic_config.h"
#include "broker/storage/store.h"

namespace broker::core {

struct Topic {
  storage::TopicId id{};
  std::string name;
  std::int32_t partitions = 0;
  std::map<std::string, std::string, std::less<>> config;  // what was set; the rest are defaults
  TopicSettings settings;                                  // what follows from it
  storage::Ticket ticket;                                  // of its last change
};

struct CommittedOffset {
  storage::Offset offset;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t committed_at_ms = 0;
  storage::Ticket ticket;
};

// A group as the journal knows it: what its members were told. What they are doing now is in core/groups.
struct GroupRecord {
  storage::GroupGeneration state;  // its members stand below
  std::map<std::string, storage::GroupMember, std::less<>> members;
  std::map<storage::PartitionRef, CommittedOffset> offsets;

  // One record with all members.
  [[nodiscard]] storage::GroupGeneration whole() const;
};

class State final : public storage::StateMachine {
 public:
  void apply(const storage::Record& record) override;
  [[nodiscard]] std::vector<storage::Record> snapshot() const override;

  // None: no such topic. Pointers live until the topic is deleted.
  [[nodiscard]] Topic* find_topic(std::string_view name);
  [[nodiscard]] Topic* find_topic(const storage::TopicId& id);
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Topic>, std::less<>>& topics() const { return topics_; }
  [[nodiscard]] std::int64_t partition_count() const { return partition_count_; }

  [[nodiscard]] GroupRecord* find_group(std::string_view name);
  [[nodiscard]] const std::map<std::string, GroupRecord, std::less<>>& groups() const { return groups_; }

  [[nodiscard]] Producers& producers() { return producers_; }
  // Producer ids below this one are taken.
  [[nodiscard]] storage::ProducerId next_producer_id() const { return next_producer_id_; }

  // (epoch, first offset under it), rising.
  using EpochStarts = std::vector<std::pair<std::int32_t, storage::Offset>>;
  [[nodiscard]] const EpochStarts* epoch_starts(const storage::PartitionRef& partition) const;

  // How far retention's clock had come at the last record that tells; none: this data was begun by another clock.
  [[nodiscard]] std::optional<std::int64_t> clock_ms() const { return clock_ms_; }

 private:
  void apply_one(const storage::TopicMade& made);
  void apply_one(const storage::TopicDeleted& deleted);
  void apply_one(const storage::PartitionsAdded& added);
  void apply_one(const storage::ConfigSet& set);
  void apply_one(const storage::Append& append);
  void apply_one(const storage::LogStartMoved&) {}  // partitions' bounds are the store's
  void apply_one(const storage::GroupOffset& commit);
  void apply_one(const storage::GroupState& old);
  void apply_one(const storage::GroupGeneration& change);
  void apply_one(const storage::ProducerIdBlock& block);
  void apply_one(const storage::ProducerState& producer);
  void apply_one(const storage::EpochStarted& started);
  void apply_one(const storage::ClockMark& mark);
  void apply_one(const storage::LossAccepted&) {}  // the store's too

  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::map<storage::TopicId, Topic*> topics_by_id_;
  std::map<std::string, GroupRecord, std::less<>> groups_;
  std::map<storage::PartitionRef, EpochStarts> epochs_;
  Producers producers_;
  storage::ProducerId next_producer_id_{0};
  std::int64_t partition_count_ = 0;
  std::optional<std::int64_t> clock_ms_;
};

}  // namespace broker::core
