// Fetch: topics by id, leader epochs, and topics that are deleted, made anew or emptied while somebody fetches.
#include <string>

#include "broker/protocol/delete_records.h"
#include "broker/protocol/delete_topics.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/record_batch.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

constexpr std::int32_t kEpoch = MemoryStore::kLeaderEpoch;

class FetchTest : public HandlersTest {
 protected:
  protocol::FetchRequest fetch(std::int64_t offset, int wait_ms = 0) {
    protocol::FetchRequest request;
    request.max_wait_ms = wait_ms;
    request.min_bytes = 1;
    protocol::FetchTopic topic;
    topic.topic = "t";
    if (const auto* known = state.find_topic("t")) topic.topic_id = known->id;
    topic.partitions.emplace_back();
    topic.partitions.back().fetch_offset = offset;
    topic.partitions.back().partition_max_bytes = 1 << 20;
    request.topics.push_back(topic);
    return request;
  }
  void produce(int records) {
    const auto batch = protocol::plain_batch(records, 10);
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{0, protocol::BytesView(batch)}}});
    const auto response = answer<protocol::ProduceResponse>(ask(request, 9), 9);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::none);
  }
  void delete_topic() { broker.delete_topic(*state.find_topic("t")); }
  static const protocol::FetchPartitionResponse& only(const protocol::FetchResponse& response) {
    return response.topics.at(0).partitions.at(0);
  }
  ErrorCode fetched(const protocol::FetchRequest& request, int version) {
    return only(call<protocol::FetchResponse>(request, version)).error_code;
  }
};

TEST_F(FetchTest, ServesEveryVersion) {
  make_topic("t");
  produce(2);
  for (int version = 4; version <= 16; ++version) {
    const auto response = call<protocol::FetchResponse>(fetch(0), version);
    EXPECT_EQ(only(response).error_code, ErrorCode::none) << version;
    EXPECT_EQ(only(response).high_watermark, 2) << version;
    EXPECT_FALSE(only(response).records->empty()) << version;
    EXPECT_EQ(response.topics[0].topic, version < 13 ? "t" : "");
    EXPECT_EQ(response.topics[0].topic_id, version < 13 ? protocol::Uuid{} : state.find_topic("t")->id);
  }
}

TEST_F(FetchTest, SaysWhatItDoesNotKnow) {
  make_topic("t");
  auto request = fetch(0);
  request.topics[0].partitions[0].partition = 1;
  EXPECT_EQ(fetched(request, 4), ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(fetched(request, 16), ErrorCode::unknown_topic_or_partition);
  request.topics[0].topic = "none";
  request.topics[0].topic_id = protocol::Uuid{7};
  EXPECT_EQ(fetched(request, 12), ErrorCode::unknown_topic_or_partition);
  const auto by_id = call<protocol::FetchResponse>(request, 13);
  EXPECT_EQ(only(by_id).error_code, ErrorCode::unknown_topic_id);
  EXPECT_EQ(by_id.topics[0].topic_id, protocol::Uuid{7});
  request.topics[0].topic_id = {};
  EXPECT_EQ(fetched(request, 16), ErrorCode::unknown_topic_id);
}

TEST_F(FetchTest, ChecksTheLeaderEpochFromVersionNine) {
  make_topic("t");
  auto request = fetch(0);
  for (const int version : {9, 16}) {
    request.topics[0].partitions[0].current_leader_epoch = kEpoch - 1;
    EXPECT_EQ(fetched(request, version), ErrorCode::fenced_leader_epoch);
    request.topics[0].partitions[0].current_leader_epoch = kEpoch + 1;
    EXPECT_EQ(fetched(request, version), ErrorCode::unknown_leader_epoch);
    request.topics[0].partitions[0].current_leader_epoch = kEpoch;
    EXPECT_EQ(fetched(request, version), ErrorCode::none);
  }
}

TEST_F(FetchTest, DeclinesFollowersAndSessions) {
  make_topic("t");
  auto request = fetch(0);
  request.replica_id = 2;
  EXPECT_EQ(fetched(request, 14), ErrorCode::not_leader_or_follower);
  request.replica_id = -1;
  request.replica_state.replica_id = 2;
  EXPECT_EQ(fetched(request, 15), ErrorCode::not_leader_or_follower);
  request.replica_state.replica_id = -1;
  request.session_id = 5;
  EXPECT_EQ(call<protocol::FetchResponse>(request, 16).error_code, ErrorCode::fetch_session_id_not_found);
}

TEST_F(FetchTest, WhoWaitsForADeletedTopicIsAnsweredAtOnce) {
  for (const int version : {4, 12, 13, 16}) {
    make_topic("t");
    store.set_durable_at_once(false);
    const auto waiting = ask(fetch(0, 60'000), version);
    ASSERT_EQ(waiting->kind(), Kind::waiting);
    delete_topic();
    ASSERT_EQ(waiting->kind(), Kind::frame) << version;
    EXPECT_EQ(waiting->ticket(), broker.topics_deleted_ticket()) << "and not before the deletion is durable";
    EXPECT_EQ(only(answer<protocol::FetchResponse>(waiting, version)).error_code,
              version < 13 ? ErrorCode::unknown_topic_or_partition : ErrorCode::unknown_topic_id);
    EXPECT_EQ(broker.fetch_waiters().size(), 0U);
    store.set_durable_at_once(true);
    store.flush();
  }
}

TEST_F(FetchTest, WhoWaitsForMoreOfADeletedTopicIsAnsweredToo) {
  make_topic("t");
  produce(1);
  auto request = fetch(0, 60'000);
  request.min_bytes = 1'000'000;
  const auto waiting = ask(request, 11);
  ASSERT_EQ(waiting->kind(), Kind::waiting);
  delete_topic();
  EXPECT_EQ(waiting->kind(), Kind::frame);
}

TEST_F(FetchTest, AWaiterIsToldWhenRecordsAreDeletedUnderIt) {
  make_topic("t", 2);
  produce(1);
  auto request = fetch(0, 60'000);
  request.min_bytes = 1'000'000;
  request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
  request.topics[0].partitions[1].partition = 1;
  const auto waiting = ask(request, 16);
  ASSERT_EQ(waiting->kind(), Kind::waiting);
  (void)broker.delete_records(*state.find_topic("t"), storage::PartitionIndex(0), storage::Offset(-1));
  const auto response = answer<protocol::FetchResponse>(waiting, 16);
  EXPECT_EQ(only(response).error_code, ErrorCode::offset_out_of_range);
  EXPECT_EQ(response.topics[0].partitions.at(1).error_code, ErrorCode::none);
}

TEST_F(FetchTest, AnIdNeverReadsAnotherTopicOfItsName) {
  make_topic("t");
  produce(3);
  const auto of_old = fetch(1);
  delete_topic();
  make_topic("t");
  produce(3);
  EXPECT_EQ(fetched(of_old, 13), ErrorCode::unknown_topic_id);
  EXPECT_EQ(fetched(fetch(1), 13), ErrorCode::none);
}

// Who fetches by name cannot tell the topics apart, so the broker does.
TEST_F(FetchTest, ANameIsNotReadOnInAnotherTopicAtTheOldOffset) {
  make_topic("t");
  produce(3);
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none);
  delete_topic();
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::unknown_topic_or_partition);
  make_topic("t");
  produce(9);
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::offset_out_of_range) << "offsets 0 to 2 would never be seen";
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none) << "said once: this one has looked again";
}

TEST_F(FetchTest, ANameThatMeansAnotherTopicIsServedFromTheBeginning) {
  make_topic("t");
  produce(3);
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none);
  delete_topic();
  make_topic("t");
  produce(9);
  EXPECT_EQ(fetched(fetch(0), 11), ErrorCode::none) << "nothing can be missed there";
  EXPECT_EQ(fetched(fetch(5), 11), ErrorCode::none);
}

TEST_F(FetchTest, WhoAskedForTheNewTopicsOffsetsIsNotDisturbed) {
  make_topic("t");
  produce(3);
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none);
  delete_topic();
  make_topic("t");
  produce(9);
  protocol::ListOffsetsRequest latest;
  latest.topics.push_back({"t", {{0, -1, protocol::kLatestTimestamp}}});
  EXPECT_EQ(call<protocol::ListOffsetsResponse>(latest, 2).topics.at(0).partitions.at(0).offset, 9);
  EXPECT_EQ(fetched(fetch(9), 11), ErrorCode::none);
}

TEST_F(FetchTest, OtherPartitionsAndConnectionsAreNotDisturbed) {
  make_topic("t", 2);
  produce(3);
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none);
  delete_topic();
  make_topic("t", 2);
  produce(9);
  auto second = fetch(0);
  second.topics[0].partitions[0].partition = 1;
  EXPECT_EQ(fetched(second, 11), ErrorCode::none) << "never fetched of the old one";
  const auto before = std::exchange(fetched_topics, handlers::FetchedTopics());
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::none) << "a new connection comes with offsets of its own";
  fetched_topics = before;
  EXPECT_EQ(fetched(fetch(3), 11), ErrorCode::offset_out_of_range);
}

TEST_F(FetchTest, TooManyPartitionsCloseTheConnection) {
  make_topic("t");
  auto request = fetch(0);
  request.topics[0].partitions.resize(2'001, request.topics[0].partitions[0]);
  EXPECT_EQ(ask(request, 16)->kind(), Kind::close);
}

}  // namespace
}  // namespace broker_tests
