// The broker's core service: what handlers ask for. Ties the state machine to the store: decides, applies, submits, and
// says which frame an answer has to wait for. Core thread only; never waits for the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/fetch_waiters.h"
#include "broker/core/groups.h"
#include "broker/core/offset_expiry.h"
#include "broker/core/outcomes.h"
#include "broker/core/refused_producers.h"
#include "broker/core/room.h"
#include "broker/core/state.h"
#include "common/clock.h"

namespace broker::core {

struct BrokerSettings {
  std::int32_t node_id = 1;
  std::string advertised_host = "127.0.0.1";
  std::int32_t advertised_port = 9092;
  bool auto_create_topics = true;
  std::int32_t partitions_default = 12;
  std::int32_t partitions_max = 10'000;  // of all topics together
  std::size_t offset_metadata_bytes_max = 4'096;
  GroupLimits groups;
  std::optional<std::chrono::milliseconds> offsets_expire;  // of deserted groups; none: never
  RoomSettings room;
};

class Broker {
 public:
  // `state` has been fed by `store`. `random` gives 64 random bits, for topic and member ids.
  Broker(State& state, storage::Store& store, const common::Clock& clock, BrokerSettings settings,
         std::function<std::uint64_t()> random);

  [[nodiscard]] const BrokerSettings& settings() const { return settings_; }
  [[nodiscard]] std::string cluster_id() const { return "outbox-" + store_.uuid(); }
  [[nodiscard]] State& state() { return state_; }
  [[nodiscard]] storage::Store& store() { return store_; }
  [[nodiscard]] Groups& groups() { return groups_; }
  [[nodiscard]] FetchWaiters& fetch_waiters() { return fetch_waiters_; }
  [[nodiscard]] Room& room() { return room_; }
  [[nodiscard]] Time now() const { return clock_.steady(); }

  // `partitions` −1: the default. An existing topic is a refusal that names it in `topic` as well.
  TopicOutcome make_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config);
  // The same checks, nothing made.
  [[nodiscard]] Refusal refuse_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config);
  // With its records, its groups' offsets and what is known of its producers; Fetches that wait for it are answered.
  // The Topic itself is gone when this returns.
  storage::Ticket delete_topic(Topic& topic);
  // Answers that say that a topic is not there wait for this one.
  [[nodiscard]] storage::Ticket topics_deleted_ticket() const { return topics_deleted_ticket_; }
  // To `total` partitions; ask refuse_growth first.
  [[nodiscard]] Refusal refuse_growth(const Topic& topic, std::int32_t total) const;
  storage::Ticket grow_topic(Topic& topic, std::int32_t total);
  // All edits; ask refuse_edits first, and hold a Burst, so that they lie in one frame.
  [[nodiscard]] Refusal refuse_edits(const std::vector<ConfigEdit>& edits) const;
  storage::Ticket configure_topic(Topic& topic, const std::vector<ConfigEdit>& edits);
  // Takes records away, consumed or not; `before` -1: all that are durable.
  DeleteOutcome delete_records(Topic& topic, storage::PartitionIndex partition, storage::Offset before);
  // Journals the partition's new start, which lies in [start, durable end], and wakes who waits below it.
  storage::Ticket move_log_start(Topic& topic, storage::PartitionIndex partition, storage::Offset start);

  // Checks one partition's records and appends them. `records` lies in `frame`, which is written to (base offset,
  // leader epoch) and kept until the journal has it.
  AppendOutcome append(Topic& topic, storage::PartitionIndex partition, std::span<std::byte> records,
                       storage::SharedBytes frame);

  ProducerIdOutcome new_producer_id();

  // The caller has asked groups().may_commit(). None: offset and metadata are acceptable.
  [[nodiscard]] Refusal refuse_commit(const OffsetToCommit& commit) const;
  storage::Ticket commit_offset(const std::string& group, OffsetToCommit commit);
  // Releases what the group held. A group that is left with nothing is gone. Say who asked, or why, for the log.
  void delete_offsets(const std::string& group, const std::vector<storage::PartitionRef>& partitions,
                      std::string_view why);
  // Ends an empty group with its offsets.
  [[nodiscard]] protocol::ErrorCode delete_group(const std::string& group, std::string_view why);

  // When tick() has something to do.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  // Fetches whose partitions moved, deadlines of fetches and groups, a checkpoint when one is due.
  void tick();

 private:
  // What the sequence alone decides: a duplicate, a refusal; none: append it.
  std::optional<AppendOutcome> settle_sequence(const Topic& topic, const storage::PartitionRef& where,
                                               const BatchSequence& sequence);
  void note_refused_start(const storage::PartitionRef& where, std::span<const std::byte> records);
  storage::Ticket journal(storage::Record record, storage::SharedBytes keep_alive = nullptr);
  // A topic would have `of_topic` partitions, `more` than there are now.
  [[nodiscard]] Refusal refuse_partition_count(std::int32_t of_topic, std::int32_t more) const;
  void expire_offsets(Time time);
  [[nodiscard]] std::int64_t wall_ms() const;

  State& state_;
  storage::Store& store_;
  const common::Clock& clock_;
  BrokerSettings settings_;
  std::function<std::uint64_t()> random_;
  Groups groups_;
  OffsetExpiry offset_expiry_;
  FetchWaiters fetch_waiters_;
  Room room_;
  RefusedProducers refused_;         // for want of room: answered with a retriable error
  RefusedProducers refused_starts_;  // producers whose very first batch was refused for what it is
  storage::Ticket topics_deleted_ticket_;
  storage::ProducerId producer_ids_next_{0};
  storage::ProducerId producer_ids_end_{0};
  storage::Ticket producer_ids_ticket_;
};

}  // namespace broker::core
