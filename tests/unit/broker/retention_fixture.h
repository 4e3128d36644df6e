// A broker over a store in memory with both clocks in the test's hand, for what retention and the disk's limits do.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/broker.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/unit/broker/memory_store.h"

namespace broker_tests {

using namespace std::chrono_literals;
namespace core = broker::core;
namespace protocol = broker::protocol;
namespace storage = broker::storage;
using storage::Offset;

inline constexpr auto kYear = 24h * 365;

// Both clocks, each in the test's hand.
class TwoClocks final : public common::Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return steady_now; }
  [[nodiscard]] std::chrono::microseconds wall() const override { return wall_now; }
  std::chrono::nanoseconds steady_now{1h};
  std::chrono::microseconds wall_now{std::chrono::seconds(1'700'000'000)};
};

class RetentionTest : public testing::Test {
 protected:
  RetentionTest() { start(); }

  // As after a restart: the state is what a checkpoint kept of it.
  void start() {
    broker.reset();
    auto old = std::exchange(state, std::make_unique<core::State>());
    if (old) {
      for (const auto& record : old->snapshot()) state->apply(record);
    }
    core::BrokerSettings settings;
    settings.partitions_max = 100'000;
    settings.room.retention.interval = 10s;
    settings.room.disk = disk;
    settings.room.look_at_disk = [this]() -> std::optional<core::DiskSpace> { return space; };
    broker = std::make_unique<core::Broker>(*state, store, clock, settings,
                                            [this] { return ++random * 0x9e3779b97f4a7c15ULL; });
  }
  core::Topic& make_topic(const std::string& name, const core::TopicConfig& config, int partitions = 1) {
    return *broker->make_topic(name, partitions, config).topic;
  }
  core::AppendOutcome append(core::Topic& topic, int partition = 0, std::int64_t timestamp_ms = 1'700'000'000'000) {
    const auto batch = protocol::plain_batch(10, 100, timestamp_ms);
    auto frame = std::make_shared<common::ByteBuffer>(batch.begin(), batch.end());
    const std::span<std::byte> records(*frame);
    return broker->append(topic, storage::PartitionIndex(partition), records, frame);
  }
  storage::Ticket commit(const core::Topic& topic, const std::string& group, std::int64_t offset, int partition = 0) {
    return broker->commit_offset(group, {.partition = ref(topic, partition), .offset = Offset(offset), .metadata = {}});
  }
  static storage::PartitionRef ref(const core::Topic& topic, int partition = 0) {
    return {topic.id, storage::PartitionIndex(partition)};
  }
  [[nodiscard]] std::int64_t log_start(const core::Topic& topic, int partition = 0) const {
    return store.bounds(ref(topic, partition))->start.value();
  }
  // Ticks once a second, as the loop does. Both clocks go on.
  void pass(std::chrono::seconds time) {
    for (std::chrono::seconds i{0}; i < time; ++i) {
      clock.steady_now += 1s;
      clock.wall_now += 1s;
      broker->tick();
    }
  }
  // Until a whole pass has been made that began after this call.
  void look() {
    for (const auto passes = report().passes; report().passes < passes + 2;) {
      clock.steady_now = std::max<std::chrono::nanoseconds>(clock.steady_now, broker->room().next_deadline());
      broker->tick();
    }
  }
  [[nodiscard]] const core::RetentionReport& report() const { return *broker->room().retention().report(); }

 public:
  MemoryStore store;
  TwoClocks clock;
  std::unique_ptr<core::State> state;
  core::DiskLimits disk;
  core::DiskSpace space{.free_bytes = 1ULL << 40, .total_bytes = 1ULL << 40};
  std::uint64_t random = 0;
  std::unique_ptr<core::Broker> broker;
};

}  // namespace broker_tests
