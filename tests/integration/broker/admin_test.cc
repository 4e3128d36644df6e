// Administration of the real broker: clients that create, alter and delete, what is left after kill -9, and topics that
// go and come while others produce and fetch.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/protocol/create_topics.h"
#include "broker/protocol/delete_records.h"
#include "broker/protocol/delete_topics.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/net.h"
#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using test_support::BrokerProcess;
using test_support::run;

constexpr std::chrono::seconds kLong{200};

protocol::CreateTopicsRequest creation(const std::string& name) {
  protocol::CreateTopicsRequest request;
  protocol::CreatableTopic topic;
  topic.name = name;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  request.topics.push_back(topic);
  return request;
}
protocol::DeleteTopicsRequest deletion(const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({name, {}});
  return request;
}
protocol::ProduceRequest production(const std::vector<std::byte>& records) {
  protocol::ProduceRequest request;
  request.acks = -1;
  request.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
  return request;
}
std::int64_t end_of(WireClient& client) {
  protocol::ListOffsetsRequest request;
  request.topics.push_back({"t", {{0, -1, protocol::kLatestTimestamp}}});
  const auto response = client.call<protocol::ListOffsetsResponse>(request, 7);
  return response ? response->topics.at(0).partitions.at(0).offset : -2;
}

std::set<std::string> topic_folders(const BrokerProcess& broker) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(broker.data_dir() / "data")) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

TEST(Admin, ConfluentKafkaFromDebian) {
  if (run({"/usr/bin/python3", "-c", "import confluent_kafka"}).exit.code != 0) {
    GTEST_SKIP() << "python3-confluent-kafka is not installed";
  }
  BrokerProcess broker;
  const auto script = test_support::source_dir() / "tests/integration/broker/clients/confluent_admin.py";
  const auto result = run({"/usr/bin/python3", script.string(), broker.address()}, {}, kLong);
  EXPECT_EQ(result.exit.code, 0) << result.output << result.error_output << broker.log();
}

TEST(Admin, KcatReadsWhatIsLeftAfterRecordsWereDeleted) {
  BrokerProcess broker;
  WireClient client(broker.port());
  ASSERT_TRUE(client.call<protocol::CreateTopicsResponse>(creation("t"), 7));
  for (int i = 0; i < 5; ++i) {
    const auto batch = protocol::RecordBatchBuilder().add({.value = std::to_string(i), .timestamp_ms = 1}).build();
    ASSERT_TRUE(client.call<protocol::ProduceResponse>(production(batch), 9));
  }
  const auto consume = [&] {
    return run({"kcat", "-b", broker.address(), "-C", "-t", "t", "-e", "-q", "-o", "beginning"}, {}, kLong).output;
  };
  EXPECT_EQ(consume(), "0\n1\n2\n3\n4\n");
  protocol::DeleteRecordsRequest request;
  request.topics.push_back({"t", {{0, 3}}});
  const auto response = client.call<protocol::DeleteRecordsResponse>(request, 2);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->topics.at(0).partitions.at(0).low_watermark, 3);
  EXPECT_EQ(consume(), "3\n4\n");
  EXPECT_NE(broker.log().find("records deleted on a client's request"), std::string::npos);
  broker.kill();
  broker.start();
  EXPECT_EQ(consume(), "3\n4\n") << "what was acknowledged holds after kill -9";
}

// All on its way at once: produced, deleted, made anew, produced, over one connection that does not wait.
TEST(Admin, ATopicIsDeletedAndMadeAnewWhileMuchIsUnderWay) {
  BrokerProcess broker;
  auto client = std::make_unique<WireClient>(broker.port());
  ASSERT_TRUE(client->call<protocol::CreateTopicsResponse>(creation("t"), 7));
  const auto batch = protocol::plain_batch(1, 50'000);
  constexpr int kBatches = 40;
  for (int round = 0; round < 5; ++round) {
    const auto before = end_of(*client);
    for (int i = 0; i < kBatches; ++i) ASSERT_TRUE(client->send(production(batch), 9));
    ASSERT_TRUE(client->send(deletion("t"), 6));
    ASSERT_TRUE(client->send(creation("t"), 7));
    ASSERT_TRUE(client->send(production(batch), 9));
    for (int i = 0; i < kBatches; ++i) {
      const auto produced = client->receive_message<protocol::ProduceResponse>(9);
      ASSERT_TRUE(produced);
      EXPECT_EQ(produced->topics.at(0).partitions.at(0).base_offset, before + i);
    }
    const auto deleted = client->receive_message<protocol::DeleteTopicsResponse>(6);
    const auto created = client->receive_message<protocol::CreateTopicsResponse>(7);
    ASSERT_TRUE(deleted && created);
    EXPECT_EQ(deleted->topics.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(created->topics.at(0).error_code, ErrorCode::none);
    EXPECT_NE(deleted->topics.at(0).topic_id, created->topics.at(0).topic_id);
    const auto first = client->receive_message<protocol::ProduceResponse>(9);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->topics.at(0).partitions.at(0).base_offset, 0);
    if (round % 2 == 0) {
      broker.kill();
      broker.start();
      client = std::make_unique<WireClient>(broker.port());
    }
    EXPECT_EQ(end_of(*client), 1) << "round " << round;
  }
  EXPECT_EQ(broker.terminate().code, 0);
  EXPECT_EQ(topic_folders(broker).size(), 1U) << "the old topics' files are gone";
  const auto check = run(
      {test_support::program("outbox-broker").string(), "--data-dir", broker.data_dir().string(), "check"}, {}, kLong);
  EXPECT_EQ(check.exit.code, 0) << check.output;
}

TEST(Admin, AFetchThatWaitsIsAnsweredWhenItsTopicIsDeleted) {
  BrokerProcess broker;
  WireClient client(broker.port());
  ASSERT_TRUE(client.call<protocol::CreateTopicsResponse>(creation("t"), 7));
  WireClient reader(broker.port());
  ASSERT_TRUE(reader.send(fetch_of({.offset = 0, .wait_ms = 60'000}), 12));
  ASSERT_TRUE(test_support::wait_until([&] {
    const auto metrics = test_support::http_get(broker.admin_port(), "/metrics");
    return metrics && metrics->body.find("broker_waiting_fetches 1") != std::string::npos;
  }));
  ASSERT_TRUE(client.call<protocol::DeleteTopicsResponse>(deletion("t"), 6));
  const auto response = reader.receive_message<protocol::FetchResponse>(12);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace broker_tests
