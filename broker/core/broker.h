// The broker's core service: what handlers ask for. Ties the state machine to the store: decides, applies, submits, and
// says which frame an answer has to wait for. Core thread only; never waits for the disk.
#pragma once

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
#include "broker/core/refused_producers.h"
#include "broker/core/state.h"
#include "broker/protocol/error_code.h"
#include "common/clock.h"

namespace broker::core {

struct BrokerSettings {
  std::int32_t node_id = 1;
  std::string data_dir;  // for what people are told
  std::string advertised_host = "127.0.0.1";
  std::int32_t advertised_port = 9092;
  bool auto_create_topics = true;
  std::int32_t partitions_default = 12;
  std::int32_t partitions_max = 10'000;  // of all topics together
  std::size_t offset_metadata_bytes_max = 4'096;
  GroupLimits groups;
};

// A domain outcome: an error code and, where there is one to give, a sentence for people.
struct Refusal {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  std::string message;
  explicit operator bool() const { return error != protocol::ErrorCode::none; }
};

using TopicConfig = std::vector<std::pair<std::string, std::string>>;

struct TopicOutcome {
  Refusal refusal;
  Topic* topic = nullptr;
};

struct AppendOutcome {
  Refusal refusal;
  storage::Offset base{-1};
  std::int64_t log_append_time_ms = -1;
  storage::Offset log_start{-1};
  storage::Ticket ticket;
};

struct ProducerIdOutcome {
  storage::ProducerId id;
  storage::Ticket ticket;
};

struct OffsetToCommit {
  storage::PartitionRef partition;
  storage::Offset offset;
  std::int32_t leader_epoch = -1;
  std::string metadata;
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
  [[nodiscard]] Time now() const { return clock_.steady(); }

  // `partitions` −1: the default. An existing topic is a refusal that names it in `topic` as well.
  TopicOutcome make_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config);
  // The same checks, nothing made.
  [[nodiscard]] Refusal refuse_topic(const std::string& name, std::int32_t partitions, const TopicConfig& config);

  // Checks one partition's records and appends them. `records` lies in `frame`, which is written to (base offset,
  // leader epoch) and kept until the journal has it.
  AppendOutcome append(Topic& topic, storage::PartitionIndex partition, std::span<std::byte> records,
                       storage::SharedBytes frame);

  ProducerIdOutcome new_producer_id();

  // The caller has asked groups().may_commit(). None: offset and metadata are acceptable.
  [[nodiscard]] Refusal refuse_commit(const OffsetToCommit& commit) const;
  storage::Ticket commit_offset(const std::string& group, OffsetToCommit commit);

  // The last batch's offset and time of the largest timestamp below the durable end.
  [[nodiscard]] std::optional<std::pair<storage::Offset, std::int64_t>> find_max_timestamp(
      const storage::PartitionRef& partition);

  // Produce requests are refused for want of room.
  [[nodiscard]] bool disk_full() const { return disk_full_since_.has_value(); }

  // When tick() has something to do.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  // Fetches whose partitions moved, deadlines of fetches and groups, a checkpoint when one is due.
  void tick();

 private:
  // What the sequence alone decides: a duplicate, a refusal; none: append it.
  std::optional<AppendOutcome> settle_sequence(const Topic& topic, const storage::PartitionRef& where,
                                               const BatchSequence& sequence);
  void note_refused_start(const storage::PartitionRef& where, std::span<const std::byte> records);
  // False: no room. Says so once when it begins and once when it is over.
  bool has_room(const storage::PartitionRef& where, std::size_t bytes);
  storage::Ticket journal(storage::Record record, storage::SharedBytes keep_alive = nullptr);
  [[nodiscard]] storage::TopicId random_topic_id();
  [[nodiscard]] std::int64_t wall_ms() const;

  State& state_;
  storage::Store& store_;
  const common::Clock& clock_;
  BrokerSettings settings_;
  std::function<std::uint64_t()> random_;
  Groups groups_;
  FetchWaiters fetch_waiters_;
  RefusedProducers refused_;         // for want of room: answered with a retriable error
  RefusedProducers refused_starts_;  // producers whose very first batch was refused for what it is
  std::optional<Time> disk_full_since_;
  storage::ProducerId producer_ids_next_{0};
  storage::ProducerId producer_ids_end_{0};
  storage::Ticket producer_ids_ticket_;
};

}  // namespace broker::core
