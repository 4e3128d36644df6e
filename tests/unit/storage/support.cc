// What the storage's tests share.
#include "tests/unit/storage/support.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "broker/storage/batch_header.h"

namespace broker::storage::test {

namespace {

template <class T>
void put_big_endian(std::vector<std::byte>& out, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * (sizeof(T) - 1 - i)));
  }
}

}  // namespace

SharedBytes make_batch(Offset base, std::int32_t count, std::int64_t timestamp_ms, const std::string& payload) {
  std::vector<std::byte> bytes(kBatchHeaderBytes + payload.size());
  put_big_endian(bytes, 0, base.value());
  put_big_endian(bytes, 8, static_cast<std::int32_t>(bytes.size() - 12));
  bytes[16] = std::byte{2};
  put_big_endian(bytes, 23, count - 1);
  put_big_endian(bytes, 27, timestamp_ms);
  put_big_endian(bytes, 35, timestamp_ms);
  put_big_endian(bytes, 57, count);
  std::ranges::transform(payload, bytes.begin() + kBatchHeaderBytes, [](char c) { return static_cast<std::byte>(c); });
  put_big_endian(bytes, 17, common::crc32c(ConstBuffer(bytes).subspan(21)));
  return std::make_shared<const common::ByteBuffer>(bytes.begin(), bytes.end());
}

Append make_append(const PartitionRef& partition, Offset base, std::int32_t count, std::int64_t timestamp_ms,
                   const SharedBytes& bytes) {
  Append append;
  append.partition = partition;
  append.base = base;
  append.count = count;
  append.appended_at_ms = timestamp_ms;
  append.max_timestamp_ms = timestamp_ms;
  append.bytes = *bytes;
  return append;
}

TopicId topic_id(std::uint8_t number) {
  TopicId id{};
  id.fill(number);
  return id;
}

PartitionRef partition_of(std::uint8_t topic, std::int32_t partition) {
  return {topic_id(topic), PartitionIndex(partition)};
}

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "outbox-storage-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void MemoryState::apply(const Record& record) {
  ++applied;
  if (const auto* made = std::get_if<TopicMade>(&record)) {
    topics[made->id] = *made;
  } else if (const auto* deleted = std::get_if<TopicDeleted>(&record)) {
    topics.erase(deleted->id);
    std::erase_if(group_offsets, [&](const auto& entry) { return entry.first.second.topic == deleted->id; });
    std::erase_if(producers, [&](const auto& entry) { return entry.first.first.topic == deleted->id; });
    std::erase_if(starts, [&](const auto& entry) { return entry.first.topic == deleted->id; });
  } else if (const auto* added = std::get_if<PartitionsAdded>(&record)) {
    topics[added->id].partitions = added->total;
  } else if (const auto* set = std::get_if<ConfigSet>(&record)) {
    auto& config = topics[set->id].config;
    std::erase_if(config, [&](const auto& entry) { return entry.first == set->name; });
    if (set->value) config.emplace_back(set->name, *set->value);
  } else if (const auto* group = std::get_if<GroupState>(&record)) {
    generations[group->group] = group->generation;
    if (group->deleted) generations.erase(group->group);
  } else if (const auto* offset = std::get_if<GroupOffset>(&record)) {
    group_offsets[{offset->group, offset->partition}] = offset->offset.value();
  } else if (const auto* append = std::get_if<Append>(&record)) {
    if (append->producer.value() >= 0) {
      producers[{append->partition, append->producer}] = {append->producer_epoch,
                                                          append->first_sequence + append->count - 1};
    }
  } else if (const auto* producer = std::get_if<ProducerState>(&record)) {
    producers[{producer->partition, producer->producer}] = {producer->epoch, producer->batches.front().last_sequence};
  } else if (const auto* moved = std::get_if<LogStartMoved>(&record)) {
    starts[moved->partition] = moved->start.value();
  } else if (const auto* started = std::get_if<EpochStarted>(&record)) {
    epoch = started->epoch;
  }
}

std::vector<Record> MemoryState::snapshot() const {
  std::vector<Record> records;
  records.reserve(topics.size() + generations.size() + group_offsets.size() + producers.size() + starts.size() + 1);
  for (const auto& [id, topic] : topics) records.emplace_back(topic);
  for (const auto& [name, generation] : generations) {
    GroupState record;
    record.group = name;
    record.generation = generation;
    records.emplace_back(record);
  }
  for (const auto& [key, offset] : group_offsets) {
    GroupOffset record;
    record.group = key.first;
    record.partition = key.second;
    record.offset = Offset(offset);
    records.emplace_back(record);
  }
  for (const auto& [key, producer] : producers) {
    ProducerState record;
    record.partition = key.first;
    record.producer = key.second;
    record.epoch = producer.epoch;
    record.batches.push_back({.first_sequence = producer.last_sequence,
                              .last_sequence = producer.last_sequence,
                              .base = Offset(0),
                              .timestamp_ms = 0});
    records.emplace_back(record);
  }
  for (const auto& [partition, start] : starts) records.emplace_back(LogStartMoved{partition, Offset(start)});
  records.emplace_back(EpochStarted{epoch, {}});
  return records;
}

bool MemoryState::same_as(const MemoryState& other) const {
  if (topics.size() != other.topics.size() || group_offsets != other.group_offsets || producers != other.producers ||
      starts != other.starts || generations != other.generations)
    return false;
  return std::ranges::equal(topics, other.topics, [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.name == b.second.name && a.second.partitions == b.second.partitions &&
           a.second.config == b.second.config;
  });
}

void wait_durable(const Store& store, Ticket ticket) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (store.durable() < ticket) {
    ASSERT_FALSE(store.poisoned().has_value()) << *store.poisoned();
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the frame did not become durable";
    pollfd waiting{store.durable_fd(), POLLIN, 0};
    ::poll(&waiting, 1, 100);
    std::uint64_t moved = 0;
    (void)!::read(store.durable_fd(), &moved, sizeof moved);
  }
}

}  // namespace broker::storage::test
