// ApiVersions, Metadata, CreateTopics, DescribeConfigs, FindCoordinator, offsets, and the dispatcher itself.
#include <algorithm>
#include <limits>

#include "broker/protocol/create_topics.h"
#include "broker/protocol/describe_cluster.h"
#include "broker/protocol/describe_configs.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offsets.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

class ClusterTest : public HandlersTest {
 protected:
  static protocol::MetadataRequest metadata(const std::string& topic, bool may_make = true) {
    protocol::MetadataRequest request;
    request.topics.emplace();
    request.topics->push_back({{}, topic});
    request.allow_auto_topic_creation = may_make;
    return request;
  }
  static protocol::CreateTopicsRequest create(const std::string& name, std::int32_t partitions) {
    protocol::CreateTopicsRequest request;
    protocol::CreatableTopic topic;
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    request.topics.push_back(topic);
    return request;
  }
  protocol::CreatedTopic created(const protocol::CreateTopicsRequest& request) {
    return call<protocol::CreateTopicsResponse>(request, 7).topics.at(0);
  }
};

TEST_F(ClusterTest, EveryApiOfTheTableHasAHandler) {
  for (const auto& api : protocol::api_table()) EXPECT_TRUE(handlers::has_handler(api.key)) << api.name;
}

TEST_F(ClusterTest, ApiVersionsBeyondOursIsAnsweredInVersionZero) {
  const auto reply = ask(protocol::ApiVersionsRequest{}, 3);
  EXPECT_EQ(answer<protocol::ApiVersionsResponse>(reply, 3).error_code, ErrorCode::none);
  // Header v2 with an unknown version: key 18, version 9, correlation 7, no client id.
  std::vector<std::byte> frame{std::byte{0}, std::byte{18}, std::byte{0}, std::byte{9},    std::byte{0},
                               std::byte{0}, std::byte{0},  std::byte{7}, std::byte{0xff}, std::byte{0xff}};
  const auto response = answer<protocol::ApiVersionsResponse>(ask_raw(frame), 0);
  EXPECT_EQ(response.error_code, ErrorCode::unsupported_version);
  ASSERT_EQ(response.api_keys.size(), 1U);
  EXPECT_EQ(response.api_keys[0].key, protocol::ApiKey::api_versions);
}

TEST_F(ClusterTest, UnknownApisVersionsAndBodiesCloseTheConnection) {
  const auto frame = [](std::uint8_t key, std::uint8_t version) {
    return std::vector<std::byte>{std::byte{0}, std::byte{key}, std::byte{0}, std::byte{version}, std::byte{0},
                                  std::byte{0}, std::byte{0},   std::byte{7}, std::byte{0xff},    std::byte{0xff}};
  };
  for (const auto& [key, version] : {std::pair{99, 0}, std::pair{0, 40}, std::pair{1, 3}, std::pair{24, 0}}) {
    const auto reply = ask_raw(frame(static_cast<std::uint8_t>(key), static_cast<std::uint8_t>(version)));
    EXPECT_EQ(reply->kind(), Kind::close) << key;
    EXPECT_FALSE(reply->why().empty());
  }
  EXPECT_EQ(ask_raw(frame(0, 7))->kind(), Kind::close) << "a Produce without a body";
}

TEST_F(ClusterTest, MetadataMakesTopicsThatItMayMake) {
  const auto made = call<protocol::MetadataResponse>(metadata("fresh"), 12);
  ASSERT_EQ(made.topics.size(), 1U);
  EXPECT_EQ(made.topics[0].error_code, ErrorCode::none);
  EXPECT_EQ(made.topics[0].partitions.size(), 12U);
  EXPECT_EQ(made.cluster_id, "outbox-memory");
  EXPECT_EQ(made.brokers.at(0).port, 9092);
  EXPECT_NE(made.topics[0].topic_id, protocol::Uuid{});
  EXPECT_EQ(call<protocol::MetadataResponse>(metadata("other", false), 12).topics[0].error_code,
            ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(call<protocol::MetadataResponse>(metadata("../etc"), 12).topics[0].error_code,
            ErrorCode::invalid_topic_exception);
  EXPECT_EQ(state.topics().size(), 1U);
}

TEST_F(ClusterTest, MetadataOfAllTopicsAndOfNone) {
  make_topic("a");
  make_topic("b");
  protocol::MetadataRequest all;
  EXPECT_EQ(call<protocol::MetadataResponse>(all, 4).topics.size(), 2U);
  protocol::MetadataRequest empty;
  empty.topics.emplace();
  EXPECT_EQ(call<protocol::MetadataResponse>(empty, 0).topics.size(), 2U) << "v0 says \"all\" with an empty list";
  EXPECT_EQ(call<protocol::MetadataResponse>(empty, 4).topics.size(), 0U);
  protocol::MetadataRequest by_id;
  by_id.topics.emplace();
  by_id.topics->push_back({state.find_topic("b")->id, std::nullopt});
  EXPECT_EQ(call<protocol::MetadataResponse>(by_id, 12).topics.at(0).name, "b");
}

TEST_F(ClusterTest, MetadataAnswersATopicOnceHoweverOftenItIsNamed) {
  make_topic("t");
  auto request = metadata("t");
  request.topics->resize(1'000, request.topics->at(0));
  request.topics->push_back({{}, "none"});
  request.allow_auto_topic_creation = false;
  EXPECT_EQ(call<protocol::MetadataResponse>(request, 12).topics.size(), 2U);
}

TEST_F(ClusterTest, MetadataByIdAndItsErrors) {
  make_topic("t");
  protocol::MetadataRequest by_id;
  by_id.topics.emplace();
  by_id.topics->push_back({state.find_topic("t")->id, std::nullopt});
  by_id.topics->push_back({protocol::Uuid{9}, std::nullopt});
  for (const int version : {10, 12}) {
    const auto response = call<protocol::MetadataResponse>(by_id, version);
    EXPECT_EQ(response.topics.at(0).name, "t");
    EXPECT_EQ(response.topics.at(1).error_code, ErrorCode::unknown_topic_id);
    EXPECT_EQ(response.topics.at(1).topic_id, protocol::Uuid{9});
  }
  EXPECT_EQ(call<protocol::MetadataResponse>(metadata("a/b", false), 0).topics.at(0).error_code,
            ErrorCode::invalid_topic_exception);
}

TEST_F(ClusterTest, MetadataTellsWhatIsAllowedWhenAsked) {
  make_topic("t");
  constexpr auto kNotAsked = std::numeric_limits<std::int32_t>::min();
  auto request = metadata("t");
  EXPECT_EQ(call<protocol::MetadataResponse>(request, 8).topics.at(0).topic_authorized_operations, kNotAsked);
  request.include_topic_authorized_operations = true;
  request.include_cluster_authorized_operations = true;
  const auto response = call<protocol::MetadataResponse>(request, 8);
  constexpr std::int32_t kDelete = 1 << 6;
  EXPECT_NE(response.topics.at(0).topic_authorized_operations & kDelete, 0);
  EXPECT_GT(response.cluster_authorized_operations, 0);
}

TEST_F(ClusterTest, DescribeClusterAtBothVersions) {
  for (const int version : {0, 1}) {
    const auto response = call<protocol::DescribeClusterResponse>(protocol::DescribeClusterRequest{}, version);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.cluster_id, "outbox-memory");
    EXPECT_EQ(response.controller_id, 1);
    ASSERT_EQ(response.brokers.size(), 1U);
    EXPECT_EQ(response.brokers[0].port, 9092);
  }
  protocol::DescribeClusterRequest controllers;
  controllers.endpoint_type = 2;
  const auto response = call<protocol::DescribeClusterResponse>(controllers, 1);
  EXPECT_EQ(response.error_code, ErrorCode::mismatched_endpoint_type);
  EXPECT_TRUE(response.error_message);
  controllers.endpoint_type = 9;
  EXPECT_EQ(call<protocol::DescribeClusterResponse>(controllers, 1).error_code, ErrorCode::unsupported_endpoint_type);
}

class SlowClusterTest : public ClusterTest {
 protected:
  SlowClusterTest() { store.set_durable_at_once(false); }
};

TEST_F(SlowClusterTest, AnswersThatDependOnATopicJustMadeWaitForIt) {
  const auto made = ask(metadata("fresh"), 12);
  EXPECT_EQ(made->ticket(), storage::Ticket(1));
  const auto seen = ask(metadata("fresh"), 12);
  EXPECT_EQ(seen->ticket(), storage::Ticket(1)) << "somebody else may not see it earlier";
  const auto exists = ask(create("fresh", 1), 7);
  EXPECT_EQ(exists->ticket(), storage::Ticket(1)) << "also the error reads what is not durable";
}

TEST_F(ClusterTest, CreateTopicsTakesAndChecksConfigurations) {
  auto request = create("limited", 3);
  request.topics[0].configs.push_back({"max.message.bytes", "10000"});
  const auto topic = created(request);
  EXPECT_EQ(topic.error_code, ErrorCode::none);
  EXPECT_EQ(topic.num_partitions, 3);
  EXPECT_EQ(state.find_topic("limited")->settings.max_message_bytes, 10'000);
  EXPECT_EQ(created(create("limited", 3)).error_code, ErrorCode::topic_already_exists);
  EXPECT_EQ(created(create("a/b", 3)).error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(created(create("many", 1'000'000)).error_code, ErrorCode::invalid_partitions);
  EXPECT_EQ(created(create("none", 0)).error_code, ErrorCode::invalid_partitions);
  auto three = create("replicated", 1);
  three.topics[0].replication_factor = 3;
  EXPECT_EQ(created(three).error_code, ErrorCode::invalid_replication_factor);
  for (const auto& [key, value] : {std::pair{"max.message.bytes", "many"}, std::pair{"cleanup.policy", "compact"},
                                   std::pair{"outbox.topic.id", "x"}, std::pair{"no.such", "1"}}) {
    auto bad = create("bad", 1);
    bad.topics[0].configs.push_back({key, value});
    const auto refused = created(bad);
    EXPECT_EQ(refused.error_code, ErrorCode::invalid_config) << key;
    EXPECT_NE(refused.error_message->find(key), std::string::npos) << *refused.error_message;
  }
  auto dry = create("dry", 1);
  dry.validate_only = true;
  EXPECT_EQ(created(dry).error_code, ErrorCode::none);
  EXPECT_EQ(state.topics().size(), 1U);
}

TEST_F(ClusterTest, PartitionsInAllAreBounded) {
  EXPECT_EQ(created(create("most", 9'999)).error_code, ErrorCode::none);
  EXPECT_EQ(created(create("last", 1)).error_code, ErrorCode::none);
  EXPECT_EQ(created(create("more", 1)).error_code, ErrorCode::policy_violation);
  EXPECT_EQ(call<protocol::MetadataResponse>(metadata("auto"), 12).topics[0].error_code, ErrorCode::policy_violation);
}

TEST_F(ClusterTest, DescribeConfigsShowsLimitsAndTheTopicsId) {
  make_topic("t", 1, {{"max.message.bytes", "10000"}});
  protocol::DescribeConfigsRequest request;
  request.resources.push_back({protocol::ConfigResource::topic, "t", std::nullopt});
  request.resources.push_back({protocol::ConfigResource::topic, "none", std::nullopt});
  request.resources.push_back({protocol::ConfigResource::broker, "1", std::nullopt});
  const auto response = call<protocol::DescribeConfigsResponse>(request, 1);
  const auto& configs = response.results.at(0).configs;
  const auto value = [&](std::string_view name) {
    const auto found = std::ranges::find(configs, name, &protocol::DescribedConfig::name);
    return found == configs.end() ? "absent" : found->value.value_or("null");
  };
  EXPECT_EQ(value("max.message.bytes"), "10000");
  EXPECT_EQ(value("cleanup.policy"), "delete");
  EXPECT_EQ(value("min.insync.replicas"), "1");
  EXPECT_EQ(value("outbox.topic.id").size(), 36U);
  EXPECT_EQ(response.results.at(1).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_FALSE(response.results.at(2).configs.empty());
}

TEST_F(ClusterTest, CoordinatorOfEveryGroupIsThisBroker) {
  protocol::FindCoordinatorRequest old;
  old.key = "g";
  EXPECT_EQ(call<protocol::FindCoordinatorResponse>(old, 2).port, 9092);
  protocol::FindCoordinatorRequest several;
  several.coordinator_keys = {"a", "b"};
  EXPECT_EQ(call<protocol::FindCoordinatorResponse>(several, 4).coordinators.at(1).node_id, 1);
}

protocol::OffsetCommitRequest commit(std::int64_t offset, const std::string& topic = "t") {
  protocol::OffsetCommitRequest request;
  request.group_id = "g";
  protocol::OffsetCommitPartition partition;
  partition.committed_offset = offset;
  partition.committed_metadata = "note";
  request.topics.push_back({topic, {partition}});
  return request;
}

TEST_F(SlowClusterTest, CommittedOffsetsAreJournalledAndBothAnswersWait) {
  make_topic("t");
  const auto committed = ask(commit(3), 8);
  EXPECT_EQ(committed->ticket(), storage::Ticket(2));
  protocol::OffsetFetchRequest fetch;
  fetch.groups.push_back({"g", std::nullopt});
  const auto fetched = ask(fetch, 8);
  EXPECT_EQ(fetched->ticket(), storage::Ticket(2));
  const auto response = answer<protocol::OffsetFetchResponse>(fetched, 8);
  EXPECT_EQ(response.groups.at(0).topics.at(0).partitions.at(0).committed_offset, 3);
  EXPECT_EQ(response.groups.at(0).topics.at(0).partitions.at(0).metadata, "note");
}

TEST_F(SlowClusterTest, AWithdrawnOffsetIsSaidToBeGoneWhenItsWithdrawalIsDurable) {
  make_topic("t");
  ask(commit(3), 7);
  store.flush();
  const auto withdrawn = ask(commit(-2), 7);
  const storage::Ticket last(store.journal().size());
  EXPECT_EQ(withdrawn->ticket(), last);
  protocol::OffsetFetchRequest fetch;
  fetch.group_id = "g";
  fetch.topics.emplace();
  fetch.topics->push_back({"t", {0}});
  const auto fetched = ask(fetch, 5);
  EXPECT_EQ(fetched->ticket(), last);
  EXPECT_EQ(answer<protocol::OffsetFetchResponse>(fetched, 5).topics.at(0).partitions.at(0).committed_offset, -1);
}

TEST_F(ClusterTest, OffsetsOfUnknownTopicsAndGroups) {
  make_topic("t");
  EXPECT_EQ(call<protocol::OffsetCommitResponse>(commit(3, "none"), 7).topics[0].partitions[0].error_code,
            ErrorCode::unknown_topic_or_partition);
  auto long_note = commit(3);
  long_note.topics[0].partitions[0].committed_metadata = std::string(5'000, 'x');
  EXPECT_EQ(call<protocol::OffsetCommitResponse>(long_note, 7).topics[0].partitions[0].error_code,
            ErrorCode::offset_metadata_too_large);
  protocol::OffsetFetchRequest fetch;
  fetch.group_id = "g";
  fetch.topics.emplace();
  fetch.topics->push_back({"t", {0, 99}});
  const auto response = call<protocol::OffsetFetchResponse>(fetch, 5);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).committed_offset, -1);
  EXPECT_EQ(response.topics.at(0).partitions.at(1).error_code, ErrorCode::none);
}

TEST_F(ClusterTest, NegativeOffsetWithdrawsTheCommit) {  // kafkajs 2.2 begins anew by committing −2
  make_topic("t");
  for (const std::int64_t negative : {-1, -2}) {
    for (const std::int64_t offset : {std::int64_t{3}, negative}) {
      EXPECT_EQ(call<protocol::OffsetCommitResponse>(commit(offset), 7).topics[0].partitions[0].error_code,
                ErrorCode::none);
    }
    protocol::OffsetFetchRequest fetch;
    fetch.group_id = "g";
    fetch.topics.emplace();
    fetch.topics->push_back({"t", {0}});
    EXPECT_EQ(call<protocol::OffsetFetchResponse>(fetch, 5).topics.at(0).partitions.at(0).committed_offset, -1);
  }
}

TEST_F(ClusterTest, GroupOverTheWire) {
  make_topic("t");
  protocol::JoinGroupRequest join;
  join.group_id = "g";
  join.session_timeout_ms = 10'000;
  join.rebalance_timeout_ms = 30'000;
  join.protocol_type = "consumer";
  const auto metadata_bytes = std::vector<std::byte>(3, std::byte{9});
  join.protocols.push_back({"range", protocol::BytesView(metadata_bytes)});
  const auto first = call<protocol::JoinGroupResponse>(join, 7);
  EXPECT_EQ(first.error_code, ErrorCode::member_id_required);
  join.member_id = first.member_id;
  const auto waiting = ask(join, 7);
  EXPECT_EQ(waiting->kind(), Kind::waiting);
  ASSERT_TRUE(broker.next_deadline());
  clock.pass(std::chrono::milliseconds(500));
  broker.tick();
  const auto joined = answer<protocol::JoinGroupResponse>(waiting, 7);
  EXPECT_EQ(joined.generation_id, 1);
  EXPECT_EQ(joined.leader, first.member_id);
  EXPECT_EQ(joined.protocol_name, "range");
  ASSERT_EQ(joined.members.size(), 1U);
  EXPECT_EQ(joined.members[0].metadata.copy(), metadata_bytes);
  protocol::SyncGroupRequest sync;
  sync.group_id = "g";
  sync.generation_id = 1;
  sync.member_id = joined.member_id;
  sync.assignments.push_back({joined.member_id, protocol::BytesView(metadata_bytes)});
  EXPECT_EQ(call<protocol::SyncGroupResponse>(sync, 3).assignment.copy(), metadata_bytes);
  auto committed = commit(1);
  committed.generation_id = 1;
  committed.member_id = joined.member_id;
  EXPECT_EQ(call<protocol::OffsetCommitResponse>(committed, 7).topics[0].partitions[0].error_code, ErrorCode::none);
  protocol::LeaveGroupRequest leave;
  leave.group_id = "g";
  leave.members.push_back({joined.member_id, std::nullopt, std::nullopt});
  EXPECT_EQ(call<protocol::LeaveGroupResponse>(leave, 4).members.at(0).error_code, ErrorCode::none);
}

}  // namespace
}  // namespace broker_tests
