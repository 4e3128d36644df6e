// A disk of 64 MiB that producers fill up: they are refused with an error that clients try again and that says why;
// consumers and commits go on; when space returns, so do producers; nothing acknowledged is lost. Needs root, for the
// disk of its own.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "broker/protocol/fetch.h"
#include "broker/protocol/metadata.h"
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

constexpr std::size_t kBallastBytes = 12 << 20;
constexpr std::size_t kBatchBytes = 100 << 10;
constexpr int kMoreThanFits = 1'000;

class SmallDisk : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(disk_);
    if (::mount("outbox-test", disk_.c_str(), "tmpfs", 0, "size=64m") != 0) {
      GTEST_SKIP() << "cannot mount a small disk, which takes root: " << std::strerror(errno);
    }
    mounted_ = true;
    std::ofstream(disk_ / "ballast") << std::string(kBallastBytes, 'b');
    std::ofstream(folder_ / "broker.toml") << "[storage]\njournal_file = \"2MiB\"\nsegment = \"4MiB\"\n"
                                              "reserve = \"4MiB\"\nfree_min = \""
                                           << GetParam() << "\"\n[topics]\npartitions = 2\n";
    broker_ = std::make_unique<BrokerProcess>(test_support::BrokerOptions{
        .data_dir = disk_ / "data", .flags = {"--config", (folder_ / "broker.toml").string()}, .executable = {}});
    client_ = std::make_unique<WireClient>(broker_->port());
    protocol::MetadataRequest topics;
    topics.topics.emplace();
    topics.topics->push_back({{}, "t"});
    ASSERT_TRUE(client_->call<protocol::MetadataResponse>(topics, 4));
  }
  void TearDown() override {
    client_.reset();
    broker_.reset();
    if (!mounted_) return;
    EXPECT_EQ(::umount2(disk_.c_str(), MNT_DETACH), 0);
  }
  // One record, its number and padding.
  protocol::ProducePartitionResponse produce(int partition) {
    const auto value = std::to_string(++number_) + " " + std::string(kBatchBytes, '.');
    const auto records = protocol::RecordBatchBuilder().add({.key = {}, .value = value}).build();
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{partition, protocol::BytesView(records)}}});
    const auto response = client_->call<protocol::ProduceResponse>(request, 8);
    if (!response) throw std::runtime_error("the broker has gone: " + broker_->log());
    const auto& answer = response->topics.at(0).partitions.at(0);
    if (answer.error_code == ErrorCode::none) {
      EXPECT_TRUE(acknowledged_[partition].insert(answer.base_offset).second);
    }
    return answer;
  }
  // Until it is refused.
  protocol::ProducePartitionResponse fill() {
    for (int i = 0; i < kMoreThanFits; ++i) {
      const auto answer = produce(i % 2);
      if (answer.error_code != ErrorCode::none) return answer;
    }
    return {};
  }
  ErrorCode commit(std::int64_t offset) {
    protocol::OffsetCommitRequest request;
    request.group_id = "g";
    protocol::OffsetCommitTopic topic;
    topic.name = "t";
    topic.partitions.emplace_back();
    topic.partitions.back().committed_offset = offset;
    request.topics.push_back(topic);
    const auto response = client_->call<protocol::OffsetCommitResponse>(request, 7);
    return response ? response->topics.at(0).partitions.at(0).error_code : ErrorCode::network_exception;
  }
  std::set<std::int64_t> offsets_there(int partition) {
    std::set<std::int64_t> there;
    for (std::int64_t next = 0;;) {
      const auto response =
          client_->call<protocol::FetchResponse>(fetch_of({.partition = partition, .offset = next}), 11);
      if (!response) return there;
      const auto& found = response->topics.at(0).partitions.at(0);
      EXPECT_EQ(found.error_code, ErrorCode::none);
      if (next >= found.high_watermark) return there;
      protocol::BatchIterator batches(found.records->span());
      while (const auto batch = batches.next()) {
        EXPECT_TRUE(protocol::crc_matches(*batch));
        there.insert(batch->base_offset);
        next = batch->base_offset + 1;
      }
    }
  }
  void expect_all_there() {
    for (const int partition : {0, 1}) EXPECT_EQ(offsets_there(partition), acknowledged_[partition]);
  }
  [[nodiscard]] bool says_full() const {
    const auto answer = test_support::http_get(broker_->admin_port(), "/statusz");
    return answer && answer->body.find("\"disk_full\":true") != std::string::npos;
  }

  test_support::TempDir folder_;
  const std::filesystem::path disk_ = folder_ / "disk";
  bool mounted_ = false;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<WireClient> client_;
  int number_ = 0;
  std::map<int, std::set<std::int64_t>> acknowledged_;
};

TEST_P(SmallDisk, RefusesProducersInWordsAndGoesOnByItself) {
  const auto refused = fill();
  EXPECT_EQ(refused.error_code, ErrorCode::kafka_storage_error);
  ASSERT_TRUE(refused.error_message);
  EXPECT_NE(refused.error_message->find("disk"), std::string::npos) << *refused.error_message;
  EXPECT_NE(refused.error_message->find("try again"), std::string::npos) << *refused.error_message;
  EXPECT_TRUE(wait_until([&] { return says_full(); }));
  const auto written = acknowledged_[0].size() + acknowledged_[1].size();
  EXPECT_GT(written * kBatchBytes, 10U << 20);  // it was filled, not refused from the beginning

  // Consumers read, groups commit, for as long as it lasts.
  for (std::int64_t offset = 1; offset <= 200; ++offset) ASSERT_EQ(commit(offset % 50), ErrorCode::none);
  expect_all_there();
  EXPECT_EQ(produce(1).error_code, ErrorCode::kafka_storage_error);

  std::filesystem::remove(disk_ / "ballast");
  EXPECT_TRUE(wait_until([&] { return produce(0).error_code == ErrorCode::none; }));
  EXPECT_TRUE(wait_until([&] { return !says_full(); }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(produce(i % 2).error_code, ErrorCode::none);
  expect_all_there();

  // Full again, and then its end without a word.
  EXPECT_EQ(fill().error_code, ErrorCode::kafka_storage_error);
  broker_->kill();
  broker_->start();
  client_ = std::make_unique<WireClient>(broker_->port());
  expect_all_there();
  EXPECT_EQ(commit(7), ErrorCode::none);
}

INSTANTIATE_TEST_SUITE_P(FreeMinAndReserve, SmallDisk, testing::Values("12MiB", "0B"),
                         [](const auto& of) { return std::string(of.param) == "0B" ? "Reserve" : "FreeMin"; });

}  // namespace
}  // namespace broker_tests
