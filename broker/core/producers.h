// Idempotent producers: per partition and producer id the epoch and the last five batches, so that a batch sent twice
// is stored once and answered with its first offset. Fed by the state machine (apply), asked by Log::append.
// Core thread only. Wire facts: KIP-98, reference of the protocol ("Idempotence").
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/storage/record.h"
#include "broker/storage/store.h"

namespace broker::core {

inline constexpr std::size_t kBatchesKept = 5;
inline constexpr std::size_t kProducersMax = 100'000;

// What the header of a batch says of its producer.
struct BatchSequence {
  storage::ProducerId producer{-1};
  std::int16_t epoch = -1;
  std::int32_t first = -1;
  std::int32_t count = 0;
};

// A sequence `by` later; after 2^31−1 comes 0.
[[nodiscard]] std::int32_t sequence_after(std::int32_t sequence, std::int32_t by);

enum class SequenceVerdict {
  append,     // next in line, or nothing is known of this producer here
  duplicate,  // stored already: answer the first time's offset
  out_of_order,
  stale_epoch,
};
struct SequenceAnswer {
  SequenceVerdict verdict = SequenceVerdict::append;
  storage::Offset original;        // of a duplicate
  std::int64_t timestamp_ms = -1;  // of a duplicate
  storage::Ticket ticket;          // of a duplicate: when its first sending is durable
};

// Bounded: the producer that appended longest ago goes first. Order of use is the order of the journal, so replay
// forgets the same ones.
class Producers {
 public:
  explicit Producers(std::size_t producers_max = kProducersMax) : producers_max_(producers_max) {}

  [[nodiscard]] SequenceAnswer check(const storage::PartitionRef& partition, const BatchSequence& batch) const;
  // The sequence that would be appended next; none: any.
  [[nodiscard]] std::optional<std::int32_t> expected(const storage::PartitionRef& partition,
                                                     const BatchSequence& batch) const;

  void apply(const storage::Append& append);
  void apply(const storage::ProducerState& state);
  void forget_topic(const storage::TopicId& topic);
  // The frame of the batch that was applied last, for answers to its duplicates.
  void note_ticket(const storage::PartitionRef& partition, storage::ProducerId producer, storage::Ticket ticket);

  // Oldest use first.
  [[nodiscard]] std::vector<storage::ProducerState> snapshot() const;
  [[nodiscard]] std::size_t size() const { return by_use_.size(); }

 private:
  struct Key {
    storage::PartitionRef partition;
    storage::ProducerId producer;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    storage::ProducerState state;
    storage::Ticket last_ticket;  // of the newest batch; older ones were in earlier frames or the same
  };
  Entry& touch(const Key& key);
  void count_one_less(const storage::TopicId& topic);
  [[nodiscard]] const Entry* find(const storage::PartitionRef& partition, storage::ProducerId producer) const;

  std::size_t producers_max_;
  std::list<Entry> by_use_;  // oldest first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> entries_;
  std::map<storage::TopicId, std::size_t> of_topic_;  // how many of them
};

}  // namespace broker::core
