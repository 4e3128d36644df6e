// A process that may open few files: partitions and connections share them, and none costs another its records.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "broker/protocol/create_topics.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;

constexpr int kDescriptors = 192;  // half of them the store's, 64 the broker's own, so 32 connections
constexpr std::int32_t kPartitions = 400;
constexpr std::size_t kCrowd = 64;

std::filesystem::path limited_broker(const test_support::TempDir& folder) {
  const auto script = folder / "limited-broker";
  std::ofstream(script) << "#!/bin/sh\nulimit -n " << kDescriptors << "\nexec '"
                        << test_support::program("outbox-broker").string() << "' \"$@\"\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return script;
}

ErrorCode make_topic(WireClient& client) {
  protocol::CreateTopicsRequest request;
  request.topics.emplace_back();
  request.topics.back().name = "t";
  request.topics.back().num_partitions = kPartitions;
  request.topics.back().replication_factor = 1;
  request.timeout_ms = 30'000;
  const auto response = client.call<protocol::CreateTopicsResponse>(request, 5);
  return response ? response->topics.at(0).error_code : ErrorCode::network_exception;
}

// One record to each partition; how many were acknowledged.
int produce_everywhere(WireClient& client) {
  const auto batch = protocol::plain_batch(1, 100);
  protocol::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  request.topics.push_back({"t", {}});
  for (std::int32_t i = 0; i < kPartitions; ++i) {
    request.topics.back().partitions.push_back({i, protocol::BytesView(batch)});
  }
  const auto response = client.call<protocol::ProduceResponse>(request, 7);
  if (!response) return 0;
  return static_cast<int>(std::ranges::count(response->topics.at(0).partitions, ErrorCode::none,
                                             &protocol::ProducePartitionResponse::error_code));
}

// How many partitions give records from `offset` on; asked one by one, so that each has its file opened.
int readable(WireClient& client, std::int64_t offset) {
  int readable = 0;
  for (std::int32_t i = 0; i < kPartitions; ++i) {
    const auto response =
        client.call<protocol::FetchResponse>(fetch_of({.partition = i, .offset = offset, .wait_ms = 500}), 11);
    if (!response) continue;
    const auto& found = response->topics.at(0).partitions.at(0);
    if (found.error_code == ErrorCode::none && found.records && !found.records->empty()) ++readable;
  }
  return readable;
}

std::vector<std::unique_ptr<WireClient>> crowd(std::uint16_t port) {
  std::vector<std::unique_ptr<WireClient>> crowd;
  for (std::size_t i = 0; i < kCrowd; ++i) crowd.push_back(std::make_unique<WireClient>(port));
  return crowd;
}

TEST(Descriptors, FewOfThemServeManyPartitionsAndACrowdOfConnections) {
  test_support::TempDir folder;
  test_support::BrokerProcess broker({.data_dir = {}, .flags = {}, .executable = limited_broker(folder)});
  auto client = std::make_unique<WireClient>(broker.port());
  ASSERT_EQ(make_topic(*client), ErrorCode::none);

  const auto others = crowd(broker.port());
  EXPECT_TRUE(others.back()->closed()) << "more connections than the process may open files for";
  ASSERT_EQ(produce_everywhere(*client), kPartitions);
  ASSERT_EQ(produce_everywhere(*client), kPartitions);
  EXPECT_EQ(readable(*client, 0), kPartitions);

  broker.kill();
  broker.start();
  client = std::make_unique<WireClient>(broker.port());
  EXPECT_EQ(readable(*client, 1), kPartitions) << "after kill -9";
  EXPECT_EQ(broker.terminate().code, 0);
  EXPECT_EQ(broker.log().find("Too many open files"), std::string::npos) << "each has its share";
}

}  // namespace
}  // namespace broker_tests
