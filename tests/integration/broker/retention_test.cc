// Retention in the real broker, with kill -9 in between: nothing that a group has not passed is ever gone, what all
// have passed goes, its files too; and whoever asks for what is gone is told. Producers that are refused for want of
// room.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "broker/protocol/create_topics.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/offset_commit.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/net.h"
#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using test_support::BrokerProcess;
using test_support::wait_until;

constexpr int kPartitions = 2;
constexpr std::size_t kBatchBytes = 100 << 10;  // ten to a segment

long metric(const BrokerProcess& broker, const std::string& name) {
  const auto metrics = test_support::http_get(broker.admin_port(), "/metrics");
  if (!metrics) return -1;
  const auto at = metrics->body.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stol(metrics->body.substr(at + name.size() + 2));
}

class RetentionBroker : public testing::Test {
 protected:
  // Small segments, a pass all the time.
  RetentionBroker() {
    std::ofstream(folder_ / "broker.toml") << "[storage]\nsegment = \"1MiB\"\nretention_interval = \"100ms\"\n";
    broker_ = std::make_unique<BrokerProcess>(test_support::BrokerOptions{
        .data_dir = {}, .flags = {"--config", (folder_ / "broker.toml").string()}, .executable = {}});
  }
  [[nodiscard]] std::unique_ptr<WireClient> connect() const { return std::make_unique<WireClient>(broker_->port()); }
  void make_topic(const std::vector<std::pair<std::string, std::string>>& configs) const {
    protocol::CreateTopicsRequest request;
    protocol::CreatableTopic topic;
    topic.name = "t";
    topic.num_partitions = kPartitions;
    topic.replication_factor = 1;
    for (const auto& [name, value] : configs) topic.configs.push_back({name, value});
    request.topics.push_back(topic);
    const auto response = connect()->call<protocol::CreateTopicsResponse>(request, 5);
    ASSERT_TRUE(response);
    ASSERT_EQ(response->topics.at(0).error_code, ErrorCode::none) << *response->topics.at(0).error_message;
  }
  // One record a batch, its number is its offset.
  void produce(int partition, int count) {
    const auto client = connect();
    for (int i = 0; i < count; ++i) {
      const auto number = std::to_string(ends_.at(partition));
      const auto records =
          protocol::RecordBatchBuilder().add({.key = {}, .value = number + std::string(kBatchBytes, '.')}).build();
      protocol::ProduceRequest request;
      request.acks = -1;
      request.topics.push_back({"t", {{partition, protocol::BytesView(records)}}});
      const auto response = client->call<protocol::ProduceResponse>(request, 7);
      ASSERT_TRUE(response);
      ASSERT_EQ(response->topics.at(0).partitions.at(0).base_offset, ends_.at(partition)++);
    }
  }
  void commit(const std::string& group, int partition, std::int64_t offset) {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    protocol::OffsetCommitTopic topic;
    topic.name = "t";
    topic.partitions.emplace_back();
    topic.partitions.back().partition_index = partition;
    topic.partitions.back().committed_offset = offset;
    request.topics.push_back(topic);
    const auto response = connect()->call<protocol::OffsetCommitResponse>(request, 7);
    ASSERT_TRUE(response);
    ASSERT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    commits_[group][partition] = offset;
    passed_[partition] = std::max(passed_[partition], passed_by_all(partition));
  }
  // What every group has passed; one that has not committed here has passed nothing.
  [[nodiscard]] std::int64_t passed_by_all(int partition) {
    std::int64_t least = ends_.at(partition);
    for (const auto* group : {"one", "two", "declared"}) least = std::min(least, commits_[group][partition]);
    return least;
  }
  [[nodiscard]] std::int64_t earliest(int partition) const {
    protocol::ListOffsetsRequest request;
    protocol::ListOffsetsTopic topic;
    topic.name = "t";
    topic.partitions.emplace_back();
    topic.partitions.back().partition_index = partition;
    topic.partitions.back().timestamp_ms = protocol::kEarliestTimestamp;
    request.topics.push_back(topic);
    const auto response = connect()->call<protocol::ListOffsetsResponse>(request, 5);
    return response ? response->topics.at(0).partitions.at(0).offset : -1;
  }
  // Everything from the offset to the end is there, and is what was written.
  void expect_readable(int partition, std::int64_t from) const {
    const auto client = connect();
    while (from < ends_.at(partition)) {
      const auto response =
          client->call<protocol::FetchResponse>(fetch_of({.partition = partition, .offset = from}), 11);
      ASSERT_TRUE(response);
      const auto& found = response->topics.at(0).partitions.at(0);
      ASSERT_EQ(found.error_code, ErrorCode::none) << "partition " << partition << " offset " << from;
      protocol::BatchIterator batches(found.records->span());
      const auto before = from;
      while (const auto batch = batches.next()) {
        ASSERT_EQ(batch->base_offset, from);
        ASSERT_TRUE(protocol::crc_matches(*batch));
        ++from;
      }
      ASSERT_GT(from, before) << "nothing at offset " << before;
    }
  }
  [[nodiscard]] std::string status() const {
    const auto answer = test_support::http_get(broker_->admin_port(), "/statusz");
    return answer ? answer->body : "";
  }
  [[nodiscard]] std::size_t segment_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(broker_->data_dir() / "data")) {
      count += entry.path().extension() == ".log" ? 1 : 0;
    }
    return count;
  }
  // Passes have gone over everything, and `segments` of the topic are old enough to go but held.
  void wait_until_held(int segments) const {
    const auto held = "\"held_segments\":" + std::to_string(segments) + ",";
    EXPECT_TRUE(wait_until([&] { return status().find(held) != std::string::npos; })) << status();
  }

  test_support::TempDir folder_;
  std::unique_ptr<BrokerProcess> broker_;
  std::array<std::int64_t, kPartitions> ends_{};
  std::map<std::string, std::map<int, std::int64_t>> commits_;
  std::map<int, std::int64_t> passed_;  // by all groups, at any time so far
};

TEST_F(RetentionBroker, NothingUnconsumedIsEverGoneAndConsumedOldDataGoes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  make_topic({{"retention.ms", "500"}, {"outbox.required.groups", "declared"}});
  for (int partition = 0; partition < kPartitions; ++partition) produce(partition, 45);
  for (const auto* group : {"one", "two"}) {
    commit(group, 0, 45);
    commit(group, 1, 45);
  }
  // Five segments each; the declared group has never been seen.
  wait_until_held(10);
  broker_->kill();
  broker_->start();
  wait_until_held(10);
  for (int partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ(earliest(partition), 0);
    expect_readable(partition, 0);
  }
  // It begins on one partition: the other is held whole.
  commit("declared", 0, 25);
  EXPECT_TRUE(wait_until([&] { return earliest(0) == 20; })) << earliest(0) << status();
  EXPECT_EQ(earliest(1), 0);
  const std::array<std::string, 3> groups{"one", "two", "declared"};
  for (int round = 0; round < 4; ++round) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      produce(partition, 12);
      for (const auto& group : groups) {
        const auto from = std::max<std::int64_t>(0, commits_[group][partition] - 5);
        commit(group, partition, std::uniform_int_distribution<std::int64_t>(from, ends_.at(partition))(random));
      }
    }
    if (round % 2 == 0) broker_->kill();
    if (round % 2 == 1) broker_->terminate();
    broker_->start();
    for (int partition = 0; partition < kPartitions; ++partition) {
      EXPECT_LE(earliest(partition), passed_[partition]);
      expect_readable(partition, earliest(partition));
    }
  }
  for (int partition = 0; partition < kPartitions; ++partition) {
    for (const auto& group : groups) commit(group, partition, ends_.at(partition));
    EXPECT_TRUE(wait_until([&] { return earliest(partition) >= ends_.at(partition) - 10; })) << earliest(partition);
  }
  broker_->terminate();
  EXPECT_LE(segment_files(), 2U * kPartitions) << "the files go with the next checkpoint";
  broker_->start();
  // A consumer that comes with what is gone is told, and so is the log.
  const auto response = connect()->call<protocol::FetchResponse>(fetch_of({.partition = 0, .offset = 3}), 11);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::offset_out_of_range);
  EXPECT_NE(broker_->log().find("a consumer asked for records that are deleted"), std::string::npos);
}

TEST_F(RetentionBroker, StatusAndMetricsNameWhoHolds) {
  make_topic({{"retention.ms", "300"}});
  produce(0, 15);
  commit("slow \"quoted\"", 0, 3);
  wait_until_held(2);
  // Held they were also before the group was known: the next pass names it.
  const std::string held_by = R"("group":"slow \"quoted\"")";
  EXPECT_TRUE(wait_until([&] { return status().find(held_by) != std::string::npos; })) << status();
  EXPECT_TRUE(wait_until([&] {
    const auto metrics = test_support::http_get(broker_->admin_port(), "/metrics");
    return metrics &&
           metrics->body.find("broker_group_lag{topic=\"t\",group=\"slow \\\"quoted\\\"\"} 12") != std::string::npos;
  }));
}

// librdkafka 2.0.2, idempotent, five in flight, against a broker that has no room again and again.
TEST(RefusedProducers, LoseNothingAndDoubleNothingWhileRoomComesAndGoes) {
  if (test_support::run({"/usr/bin/python3", "-c", "import confluent_kafka"}).exit.code != 0) {
    GTEST_SKIP() << "python3-confluent-kafka is not installed";
  }
  test_support::TempDir folder;
  std::ofstream(folder / "broker.toml")
      << "[storage]\nsegment = \"1MiB\"\nretention_interval = \"100ms\"\ntotal_max = \"6MiB\"\n";
  BrokerProcess broker({.data_dir = {}, .flags = {"--config", (folder / "broker.toml").string()}, .executable = {}});
  const auto script = test_support::source_dir() / "tests/integration/broker/clients/refused_producer.py";
  const auto result = test_support::run(
      {"/usr/bin/python3", script.string(), broker.address(), test_support::loopback(broker.admin_port())}, {},
      std::chrono::seconds(200));
  EXPECT_EQ(result.exit.code, 0) << result.output << result.error_output << broker.log();
  std::cout << result.output;
  // Not once, but again and again.
  EXPECT_GE(metric(broker, "broker_produce_refused_total"), 10) << "the room must have ended";
  EXPECT_GE(metric(broker, "broker_retention_freed_bytes_total"), 6 << 20) << "more than all the room there is";
  const auto log = broker.log();
  EXPECT_NE(log.find("no room: produce requests are refused"), std::string::npos) << log;
  EXPECT_NE(log.find("there is room on the disk again"), std::string::npos) << log;
}

}  // namespace
}  // namespace broker_tests
