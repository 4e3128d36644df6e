// CreateTopics, DeleteTopics, CreatePartitions, by bytes.
#include <string>
#include <vector>

#include "broker/protocol/create_partitions.h"
#include "broker/protocol/create_topics.h"
#include "broker/protocol/delete_topics.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offsets.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

class TopicsTest : public HandlersTest {
 protected:
  static protocol::CreatableTopic topic(const std::string& name, std::int32_t partitions = 1) {
    protocol::CreatableTopic wanted;
    wanted.name = name;
    wanted.num_partitions = partitions;
    wanted.replication_factor = 1;
    return wanted;
  }
  protocol::CreatedTopic created(const protocol::CreatableTopic& wanted, int version = 7, bool validate_only = false) {
    protocol::CreateTopicsRequest request;
    request.topics.push_back(wanted);
    request.validate_only = validate_only;
    return call<protocol::CreateTopicsResponse>(request, version).topics.at(0);
  }
  static protocol::DeleteTopicsRequest deletion(const std::vector<std::string>& names, int version) {
    protocol::DeleteTopicsRequest request;
    for (const auto& name : names) {
      if (version >= 6) {
        request.topics.push_back({name, {}});
      } else {
        request.topic_names.push_back(name);
      }
    }
    return request;
  }
  protocol::DeletedTopic deleted(const protocol::DeleteTopicState& wanted) {
    protocol::DeleteTopicsRequest request;
    request.topics.push_back(wanted);
    return call<protocol::DeleteTopicsResponse>(request, 6).topics.at(0);
  }
  static protocol::CreatePartitionsRequest growth(const std::string& name, std::int32_t count) {
    protocol::CreatePartitionsRequest request;
    request.topics.push_back({name, count, std::nullopt});
    return request;
  }
  protocol::CreatePartitionsResult grown(const protocol::CreatePartitionsRequest& request, int version = 3) {
    return call<protocol::CreatePartitionsResponse>(request, version).results.at(0);
  }
  static std::vector<protocol::CreatePartitionsAssignment> assignments(const std::vector<std::int32_t>& brokers) {
    std::vector<protocol::CreatePartitionsAssignment> all;
    for (const auto broker : brokers) all.push_back({.broker_ids = {broker}});
    return all;
  }
  static std::string words(const std::optional<std::string>& message) { return message.value_or("(none)"); }
};

TEST_F(TopicsTest, CreateTopicsAtItsLowestAndHighestVersion) {
  const auto old = created(topic("old", 2), 0);
  EXPECT_EQ(old.error_code, ErrorCode::none);
  EXPECT_EQ(created(topic("old"), 0).error_code, ErrorCode::topic_already_exists);
  auto wanted = topic("new", -1);
  wanted.replication_factor = -1;
  wanted.configs.push_back({"retention.ms", "1000"});
  const auto made = created(wanted, 7);
  EXPECT_EQ(made.error_code, ErrorCode::none);
  EXPECT_EQ(made.num_partitions, 12);
  EXPECT_EQ(made.replication_factor, 1);
  EXPECT_EQ(made.topic_id, state.find_topic("new")->id);
  ASSERT_TRUE(made.configs);
  for (const auto& config : *made.configs) {
    EXPECT_EQ(config.config_source,
              config.name == "retention.ms" ? protocol::ConfigSource::topic : protocol::ConfigSource::default_value);
    if (config.name == "retention.ms") {
      EXPECT_EQ(config.value, "1000");
    }
  }
}

TEST_F(TopicsTest, CreateTopicsRefusesInWords) {
  auto assigned = topic("t", -1);
  assigned.replication_factor = -1;
  assigned.assignments = {{0, {1}}, {1, {1}}};
  EXPECT_EQ(created(assigned, 7, true).num_partitions, 2) << "an assignment to the only broker is no wish too many";
  auto elsewhere = assigned;
  elsewhere.assignments[1].broker_ids = {2};
  EXPECT_EQ(created(elsewhere).error_code, ErrorCode::invalid_replica_assignment);
  EXPECT_NE(words(created(elsewhere).error_message).find("only broker is 1"), std::string::npos);
  auto twice = assigned;
  twice.assignments[1].partition_index = 0;
  EXPECT_EQ(created(twice).error_code, ErrorCode::invalid_replica_assignment);
  auto both = assigned;
  both.num_partitions = 2;
  EXPECT_EQ(created(both).error_code, ErrorCode::invalid_request);

  const auto with = [](const std::string& key, std::optional<std::string> value) {
    auto wanted = topic("t");
    wanted.configs.push_back({key, std::move(value)});
    return wanted;
  };
  EXPECT_EQ(created(with("retention.ms", std::nullopt)).error_code, ErrorCode::invalid_config);
  const auto compacted = created(with("cleanup.policy", "compact"));
  EXPECT_EQ(compacted.error_code, ErrorCode::invalid_config);
  EXPECT_NE(words(compacted.error_message).find("does not compact"), std::string::npos);
  EXPECT_EQ(created(with("cleanup.policy", "compact,delete")).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(created(with("retention.ms", std::string(10'000, '1'))).error_code, ErrorCode::invalid_config);
  auto contradicting = with("retention.ms", "1");
  contradicting.configs.push_back({"retention.ms", "2"});
  EXPECT_EQ(created(contradicting).error_code, ErrorCode::invalid_config);
  EXPECT_TRUE(state.topics().empty());
}

TEST_F(TopicsTest, ATopicNamedTwiceIsRefusedOnceAndNotMade) {
  protocol::CreateTopicsRequest request;
  request.topics = {topic("t"), topic("other"), topic("t")};
  const auto response = call<protocol::CreateTopicsResponse>(request, 4);
  ASSERT_EQ(response.topics.size(), 2U);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::none);
  EXPECT_EQ(state.find_topic("t"), nullptr);
}

TEST_F(TopicsTest, DeleteTopicsAtEveryVersion) {
  for (int version = 0; version <= 6; ++version) {
    make_topic("t", 3);
    const auto id = state.find_topic("t")->id;
    const auto response = call<protocol::DeleteTopicsResponse>(deletion({"t", "none"}, version), version);
    ASSERT_EQ(response.topics.size(), 2U) << version;
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::none);
    EXPECT_EQ(response.topics[0].name, "t");
    EXPECT_EQ(response.topics[0].topic_id, version >= 6 ? id : protocol::Uuid{});
    EXPECT_EQ(response.topics[1].error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(response.topics[1].error_message.has_value(), version >= 5);
    EXPECT_EQ(state.find_topic("t"), nullptr);
    EXPECT_FALSE(store.bounds({id, storage::PartitionIndex(0)}));
  }
  EXPECT_EQ(state.partition_count(), 0);
}

TEST_F(TopicsTest, DeleteTopicsById) {
  make_topic("t");
  const auto id = state.find_topic("t")->id;
  EXPECT_EQ(deleted({std::nullopt, {}}).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(deleted({"t", id}).error_code, ErrorCode::invalid_request);
  const protocol::Uuid other{1};
  const auto unknown = deleted({std::nullopt, other});
  EXPECT_EQ(unknown.error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(unknown.topic_id, other);
  EXPECT_EQ(unknown.name, std::nullopt);
  const auto gone = deleted({std::nullopt, id});
  EXPECT_EQ(gone.error_code, ErrorCode::none);
  EXPECT_EQ(gone.name, "t");
  EXPECT_EQ(deleted({std::nullopt, id}).error_code, ErrorCode::unknown_topic_id);
}

TEST_F(TopicsTest, ATopicNamedTwiceIsNotDeleted) {
  make_topic("t");
  const auto id = state.find_topic("t")->id;
  protocol::DeleteTopicsRequest request;
  request.topics = {{"t", {}}, {std::nullopt, id}};
  for (const auto& one : call<protocol::DeleteTopicsResponse>(request, 6).topics) {
    EXPECT_EQ(one.error_code, ErrorCode::invalid_request);
  }
  EXPECT_NE(state.find_topic("t"), nullptr);
}

TEST_F(TopicsTest, ADeletedTopicTakesOffsetsProducersAndRefusalsWithIt) {
  auto& topic = make_topic("t");
  const auto partition = storage::PartitionRef{topic.id, storage::PartitionIndex(0)};
  broker.commit_offset("g", {partition, storage::Offset(5), -1, ""});
  const auto produce = [&](std::int32_t sequence) {
    const auto records = protocol::RecordBatchBuilder()
                             .add({.key = "k", .value = "v", .timestamp_ms = 1})
                             .producer({5, 0, sequence})
                             .build();
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
    return call<protocol::ProduceResponse>(request, 9).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(produce(0).error_code, ErrorCode::none);
  store.set_full(true);
  EXPECT_EQ(produce(1).error_code, ErrorCode::kafka_storage_error);
  store.set_full(false);
  EXPECT_EQ(produce(2).error_code, ErrorCode::kafka_storage_error) << "held back behind the refused one";
  EXPECT_EQ(deleted({"t", {}}).error_code, ErrorCode::none);
  EXPECT_EQ(produce(2).error_code, ErrorCode::unknown_topic_or_partition);
  make_topic("t");
  EXPECT_EQ(produce(7).base_offset, 0) << "of the new topic nothing is known";
  EXPECT_EQ(state.producers().size(), 1U);
  protocol::OffsetFetchRequest fetch;
  fetch.group_id = "g";
  fetch.topics.emplace();
  fetch.topics->push_back({"t", {0}});
  EXPECT_EQ(call<protocol::OffsetFetchResponse>(fetch, 5).topics.at(0).partitions.at(0).committed_offset, -1);
}

TEST_F(TopicsTest, CreatePartitionsAtItsLowestAndHighestVersion) {
  make_topic("t", 2);
  EXPECT_EQ(grown(growth("t", 4), 0).error_code, ErrorCode::none);
  EXPECT_EQ(grown(growth("t", 5), 3).error_code, ErrorCode::none);
  EXPECT_EQ(state.find_topic("t")->partitions, 5);
  EXPECT_EQ(state.partition_count(), 5);
  EXPECT_TRUE(store.bounds({state.find_topic("t")->id, storage::PartitionIndex(4)}));
  protocol::MetadataRequest metadata;
  EXPECT_EQ(call<protocol::MetadataResponse>(metadata, 12).topics.at(0).partitions.size(), 5U) << "seen at once";
}

TEST_F(TopicsTest, CreatePartitionsRefusesInWords) {
  make_topic("t", 4);
  for (const auto& [count, error] : {std::pair{4, ErrorCode::invalid_partitions},
                                     {3, ErrorCode::invalid_partitions},
                                     {0, ErrorCode::invalid_partitions},
                                     {-1, ErrorCode::invalid_partitions},
                                     {20'000, ErrorCode::invalid_partitions}}) {
    const auto refused = grown(growth("t", count));
    EXPECT_EQ(refused.error_code, error) << count;
    EXPECT_TRUE(refused.error_message) << count;
  }
  EXPECT_EQ(grown(growth("none", 4)).error_code, ErrorCode::unknown_topic_or_partition);
  make_topic("many", 9'990);
  EXPECT_EQ(grown(growth("t", 11)).error_code, ErrorCode::policy_violation);
  auto request = growth("t", 6);
  request.topics[0].assignments = assignments({1, 2});
  EXPECT_EQ(grown(request).error_code, ErrorCode::invalid_replica_assignment);
  request.topics[0].assignments = assignments({1});
  EXPECT_EQ(grown(request).error_code, ErrorCode::invalid_replica_assignment);
  request.topics.push_back(request.topics[0]);
  EXPECT_EQ(grown(request).error_code, ErrorCode::invalid_request) << "named twice";
  auto dry = growth("t", 6);
  dry.validate_only = true;
  EXPECT_EQ(grown(dry).error_code, ErrorCode::none);
  EXPECT_EQ(state.find_topic("t")->partitions, 4);
  dry.validate_only = false;
  dry.topics[0].assignments = assignments({1, 1});
  EXPECT_EQ(grown(dry).error_code, ErrorCode::none);
  EXPECT_EQ(state.find_topic("t")->partitions, 6);
}

TEST_F(TopicsTest, RequestsThatNameTooManyCloseTheConnection) {
  std::vector<std::string> names;
  for (int i = 0; i < 2'001; ++i) names.push_back("t" + std::to_string(i));
  EXPECT_EQ(ask(deletion(names, 5), 5)->kind(), Kind::close);
  names.pop_back();
  EXPECT_EQ(ask(deletion(names, 5), 5)->kind(), Kind::frame);
}

// Nothing is durable before the test says so.
class SlowTopicsTest : public TopicsTest {
 protected:
  SlowTopicsTest() { store.set_durable_at_once(false); }
};

TEST_F(SlowTopicsTest, AnswersAboutADeletionWaitForIt) {
  make_topic("t");
  make_topic("stays");
  store.flush();
  EXPECT_EQ(ask(protocol::MetadataRequest{}, 12)->ticket(), storage::Ticket(2));
  const auto gone = ask(deletion({"t"}, 6), 6);
  EXPECT_EQ(gone->ticket(), storage::Ticket(3));
  // Somebody else may not learn of it earlier: it might come back after a crash.
  EXPECT_EQ(ask(deletion({"t"}, 6), 6)->ticket(), storage::Ticket(3));
  EXPECT_EQ(ask(protocol::MetadataRequest{}, 12)->ticket(), storage::Ticket(3));
  EXPECT_EQ(ask(growth("t", 5), 3)->ticket(), storage::Ticket(3));
  protocol::MetadataRequest by_name;
  by_name.topics.emplace();
  by_name.topics->push_back({{}, "t"});
  by_name.allow_auto_topic_creation = false;
  EXPECT_EQ(ask(by_name, 12)->ticket(), storage::Ticket(3));
  protocol::ProduceRequest produce;
  produce.acks = -1;
  produce.topics.push_back({"t", {{0, std::nullopt}}});
  EXPECT_EQ(ask(produce, 9)->ticket(), storage::Ticket(3));
  EXPECT_EQ(ask(growth("stays", 5), 3)->ticket(), storage::Ticket(4));
  protocol::CreateTopicsRequest dry;
  dry.topics.push_back(topic("t"));
  dry.validate_only = true;
  EXPECT_EQ(ask(dry, 7)->ticket(), storage::Ticket(3)) << "the name is free because of the deletion";
}

TEST_F(SlowTopicsTest, DeletedAndMadeAnewInOneBurstIsAnotherTopicAfterARestart) {
  make_topic("t");
  broker.commit_offset("g", {{state.find_topic("t")->id, storage::PartitionIndex(0)}, storage::Offset(5), -1, ""});
  const auto id = state.find_topic("t")->id;
  (void)ask(deletion({"t"}, 6), 6);
  (void)created(topic("t", 2));
  core::State replayed;
  for (const auto& record : store.journal()) replayed.apply(record);
  ASSERT_NE(replayed.find_topic("t"), nullptr);
  EXPECT_NE(replayed.find_topic("t")->id, id);
  EXPECT_EQ(replayed.find_topic("t")->partitions, 2);
  EXPECT_EQ(replayed.find_topic(id), nullptr);
  EXPECT_TRUE(replayed.find_group("g")->offsets.empty());
}

}  // namespace
}  // namespace broker_tests
