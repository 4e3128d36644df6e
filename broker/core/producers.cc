// The table of idempotent producers.
#include "broker/core/producers.h"

#include <cstring>
#include <limits>

#include "common/ensure.h"

namespace broker::core {
namespace {

constexpr std::int32_t kSequenceMax = std::numeric_limits<std::int32_t>::max();

SequenceAnswer just(SequenceVerdict verdict) {
  SequenceAnswer answer;
  answer.verdict = verdict;
  return answer;
}

std::int32_t last_sequence(std::int32_t first, std::int32_t count) { return sequence_after(first, count - 1); }

}  // namespace

std::int32_t sequence_after(std::int32_t sequence, std::int32_t by) {
  if (sequence > kSequenceMax - by) return by - (kSequenceMax - sequence) - 1;
  return sequence + by;
}

std::size_t Producers::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = 0;
  std::memcpy(&hash, key.partition.topic.data(), sizeof hash);  // topic ids are random
  hash ^= static_cast<std::uint64_t>(key.partition.partition.value()) * 0x9e3779b97f4a7c15ULL;
  hash ^= static_cast<std::uint64_t>(key.producer.value()) * 0xc2b2ae3d27d4eb4fULL;
  return static_cast<std::size_t>(hash ^ (hash >> 29));
}

const Producers::Entry* Producers::find(const storage::PartitionRef& partition, storage::ProducerId producer) const {
  const auto found = entries_.find(Key{partition, producer});
  return found == entries_.end() ? nullptr : &*found->second;
}

SequenceAnswer Producers::check(const storage::PartitionRef& partition, const BatchSequence& batch) const {
  const auto* entry = find(partition, batch.producer);
  if (entry == nullptr) return {};
  const auto& state = entry->state;
  if (batch.epoch < state.epoch) return just(SequenceVerdict::stale_epoch);
  if (batch.epoch > state.epoch || state.batches.empty()) {
    return just(batch.first == 0 ? SequenceVerdict::append : SequenceVerdict::out_of_order);
  }
  const auto last = last_sequence(batch.first, batch.count);
  for (const auto& kept : state.batches) {
    if (kept.first_sequence == batch.first && kept.last_sequence == last) {
      return {.verdict = SequenceVerdict::duplicate,
              .original = kept.base,
              .timestamp_ms = kept.timestamp_ms,
              .ticket = entry->last_ticket};
    }
  }
  const bool next = batch.first == sequence_after(state.batches.back().last_sequence, 1);
  return just(next ? SequenceVerdict::append : SequenceVerdict::out_of_order);
}

std::optional<std::int32_t> Producers::expected(const storage::PartitionRef& partition,
                                                const BatchSequence& batch) const {
  const auto* entry = find(partition, batch.producer);
  if (entry == nullptr) return std::nullopt;
  if (batch.epoch != entry->state.epoch || entry->state.batches.empty()) return 0;
  return sequence_after(entry->state.batches.back().last_sequence, 1);
}

Producers::Entry& Producers::touch(const Key& key) {
  if (const auto found = entries_.find(key); found != entries_.end()) {
    by_use_.splice(by_use_.end(), by_use_, found->second);
    return by_use_.back();
  }
  if (entries_.size() >= producers_max_) {
    const auto& oldest = by_use_.front().state;
    entries_.erase(Key{oldest.partition, oldest.producer});
    count_one_less(oldest.partition.topic);
    by_use_.pop_front();
  }
  by_use_.emplace_back();
  by_use_.back().state.partition = key.partition;
  by_use_.back().state.producer = key.producer;
  entries_.emplace(key, std::prev(by_use_.end()));
  ++of_topic_[key.partition.topic];
  return by_use_.back();
}

void Producers::count_one_less(const storage::TopicId& topic) {
  const auto count = of_topic_.find(topic);
  if (--count->second == 0) of_topic_.erase(count);
}

void Producers::apply(const storage::Append& append) {
  if (append.producer.value() < 0) return;
  auto& state = touch(Key{append.partition, append.producer}).state;
  if (state.epoch != append.producer_epoch) state.batches.clear();
  state.epoch = append.producer_epoch;
  if (state.batches.size() == kBatchesKept) state.batches.erase(state.batches.begin());
  state.batches.push_back({.first_sequence = append.first_sequence,
                           .last_sequence = last_sequence(append.first_sequence, append.count),
                           .base = append.base,
                           .timestamp_ms = append.max_timestamp_ms});
}

void Producers::apply(const storage::ProducerState& state) {
  auto& entry = touch(Key{state.partition, state.producer});
  entry.state = state;
  entry.last_ticket = {};
}

void Producers::forget_topic(const storage::TopicId& topic) {
  for (auto entry = by_use_.begin(); of_topic_.contains(topic);) {
    if (entry->state.partition.topic != topic) {
      ++entry;
      continue;
    }
    entries_.erase(Key{entry->state.partition, entry->state.producer});
    entry = by_use_.erase(entry);
    count_one_less(topic);
  }
}

void Producers::note_ticket(const storage::PartitionRef& partition, storage::ProducerId producer,
                            storage::Ticket ticket) {
  const auto found = entries_.find(Key{partition, producer});
  ENSURE(found != entries_.end(), "a producer's batch was applied before its ticket is noted");
  found->second->last_ticket = ticket;
}

std::vector<storage::ProducerState> Producers::snapshot() const {
  std::vector<storage::ProducerState> states;
  states.reserve(by_use_.size());
  for (const auto& entry : by_use_) states.push_back(entry.state);
  return states;
}

}  // namespace broker::core
