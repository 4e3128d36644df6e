// The journal's records: results, not commands. Clock, sizes and retention were decided before a record was made, so
// replay decides nothing and the same journal always gives the same state. Formats: README.md of this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/storage/group_record.h"
#include "common/strong.h"

namespace broker::storage {

using TopicId = std::array<std::uint8_t, 16>;  // a uuid; names no path but this one
using Offset = common::Strong<struct OffsetTag, std::int64_t>;
using PartitionIndex = common::Strong<struct PartitionIndexTag, std::int32_t>;
using ProducerId = common::Strong<struct ProducerIdTag, std::int64_t>;

struct PartitionRef {
  TopicId topic{};
  PartitionIndex partition;
  auto operator<=>(const PartitionRef&) const = default;
};

struct TopicMade {
  TopicId id{};
  std::string name;
  std::int32_t partitions = 0;
  std::vector<std::pair<std::string, std::string>> config;
};
struct TopicDeleted {
  TopicId id{};
};
struct PartitionsAdded {
  TopicId id{};
  std::int32_t total = 0;
};
struct ConfigSet {
  TopicId id{};
  std::string name;
  std::optional<std::string> value;  // none: back to the default
};

// One record batch v2 as it lies in the log (base offset and leader epoch already written into it).
// `bytes` is a view of a buffer that the submitter keeps alive until its ticket is durable (see Store::submit).
struct Append {
  PartitionRef partition;
  Offset base;
  std::int32_t count = 0;
  std::int64_t appended_at_ms = 0;  // by retention's own clock, which never jumps; only differences mean anything
  std::int64_t max_timestamp_ms = -1;
  ProducerId producer{-1};
  std::int16_t producer_epoch = -1;
  std::int32_t first_sequence = -1;
  std::span<const std::byte> bytes;
};
struct LogStartMoved {
  PartitionRef partition;
  Offset start;
};
struct GroupOffset {
  std::string group;
  PartitionRef partition;
  Offset offset;  // −1: the offset is deleted
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t committed_at_ms = 0;
};
struct ProducerIdBlock {
  ProducerId next;  // ids below are taken
};
// What checkpoint and replay keep of an idempotent producer on one partition: its epoch and last five batches.
struct ProducerState {
  struct Batch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    Offset base;
    std::int64_t timestamp_ms = 0;
  };
  PartitionRef partition;
  ProducerId producer;
  std::int16_t epoch = 0;
  std::vector<Batch> batches;
};
// The store's leader epoch went up (an unclean start), with the end each partition had.
struct EpochStarted {
  std::int32_t epoch = 0;
  std::vector<std::pair<PartitionRef, Offset>> starts;
};

// How far the clock has come that `Append::appended_at_ms` is stamped by; written when no append tells it for long.
struct ClockMark {
  std::int64_t reading_ms = 0;
};

// Damage in a partition that an operator gave up: these offsets hold nothing any more and are never given again.
struct LossAccepted {
  PartitionRef partition;
  Offset from;
  Offset to;
  std::int64_t at_ms = 0;  // wall clock
  auto operator<=>(const LossAccepted&) const = default;
};

using Record =
    std::variant<TopicMade, TopicDeleted, PartitionsAdded, ConfigSet, Append, LogStartMoved, GroupOffset, GroupState,
                 ProducerIdBlock, ProducerState, EpochStarted, GroupGeneration, ClockMark, LossAccepted>;

}  // namespace broker::storage
