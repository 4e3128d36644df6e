// Fetch and ListOffsets over a store whose bytes are not in memory: they wait for the disk, and nobody else does.
#include <string>

#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using std::chrono::milliseconds;
using Kind = handlers::Reply::Kind;

class ColdTest : public HandlersTest {
 protected:
  handlers::ReplyPtr produce(std::int32_t partition = 0, const std::vector<std::int64_t>& times = {1}) {
    protocol::RecordBatchBuilder builder;
    for (const auto time : times) builder.add({.value = std::string(100, 'v'), .timestamp_ms = time});
    const auto records = builder.build();
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{partition, protocol::BytesView(records)}}});
    return ask(request, 9);
  }
  // A topic of so many partitions, a batch in each, none of them in memory.
  void make_cold(std::int32_t partitions = 1) {
    make_topic("t", partitions);
    for (std::int32_t i = 0; i < partitions; ++i) {
      produce(i);
      store.set_cold(storage::PartitionIndex(i));
    }
  }
  static protocol::FetchRequest fetch(int wait_ms, int bytes_min = 1, std::int32_t partitions = 1) {
    protocol::FetchRequest request;
    request.max_wait_ms = wait_ms;
    request.min_bytes = bytes_min;
    protocol::FetchTopic topic;
    topic.topic = "t";
    for (std::int32_t i = 0; i < partitions; ++i) {
      auto& ask = topic.partitions.emplace_back();
      ask.partition = i;
      ask.partition_max_bytes = 1 << 20;
    }
    request.topics.push_back(topic);
    return request;
  }
  void pass(milliseconds time) {
    clock.pass(time);
    broker.tick();
  }
  void disk_answers() {
    store.let_disk_answer();
    broker.tick();
  }
  // Bytes of records in an answer without errors.
  std::size_t records_in(const handlers::ReplyPtr& reply) {
    std::size_t bytes = 0;
    const auto response = answer<protocol::FetchResponse>(reply, 11);
    for (const auto& partition : response.topics.at(0).partitions) {
      EXPECT_EQ(partition.error_code, ErrorCode::none);
      bytes += partition.records->size();
    }
    return bytes;
  }
  protocol::ListOffsetsPartitionResponse listed(const handlers::ReplyPtr& reply) {
    return answer<protocol::ListOffsetsResponse>(reply, 7).topics.at(0).partitions.at(0);
  }
  handlers::ReplyPtr list(std::int64_t time) {
    protocol::ListOffsetsRequest request;
    request.topics.push_back({"t", {{0, -1, time}}});
    return ask(request, 7);
  }
};

TEST_F(ColdTest, AFetchWaitsForTheDiskWhateverItAskedFor) {
  make_cold();
  for (const int wait_ms : {0, -1, 5, 60'000}) {
    for (const int bytes_min : {0, 1, 1'000'000}) {
      const auto waiting = ask(fetch(wait_ms, bytes_min), 11);
      ASSERT_EQ(waiting->kind(), Kind::waiting) << wait_ms << " " << bytes_min;
      disk_answers();
      ASSERT_EQ(waiting->kind(), Kind::frame) << wait_ms << " " << bytes_min;
      EXPECT_GT(records_in(waiting), 0U);
      EXPECT_EQ(broker.fetch_waiters().size(), 0U);
    }
  }
}

TEST_F(ColdTest, ASlowDiskIsAnsweredEmptyAndNothingIsLostByIt) {
  make_cold();
  const auto hasty = ask(fetch(0), 11);
  const auto usual = ask(fetch(700), 11);
  pass(milliseconds(490));
  EXPECT_EQ(hasty->kind(), Kind::waiting);
  pass(milliseconds(20));
  EXPECT_EQ(records_in(hasty), 0U);
  EXPECT_EQ(usual->kind(), Kind::waiting);
  pass(milliseconds(200));
  EXPECT_EQ(records_in(usual), 0U) << "its own time";
  EXPECT_EQ(broker.fetch_waiters().size(), 0U);
  store.let_disk_answer();
  const auto again = ask(fetch(0), 11);
  ASSERT_EQ(again->kind(), Kind::frame) << "what the first one asked for is there";
  EXPECT_GT(records_in(again), 0U);
}

TEST_F(ColdTest, WhatIsInMemoryIsNotHeldUp) {
  make_cold(2);
  const auto waiting = ask(fetch(60'000, 1, 2), 11);
  ASSERT_EQ(waiting->kind(), Kind::waiting);
  store.set_warm(storage::PartitionIndex(1));
  const auto mixed = ask(fetch(60'000, 1, 2), 11);
  ASSERT_EQ(mixed->kind(), Kind::frame);
  EXPECT_GT(records_in(mixed), 0U);
}

TEST_F(ColdTest, OthersAreServedMeanwhile) {
  make_cold();
  const auto waiting = ask(fetch(60'000), 11);
  const auto search = list(1);
  EXPECT_EQ(produce()->kind(), Kind::frame);
  EXPECT_EQ(waiting->kind(), Kind::waiting);
  EXPECT_EQ(search->kind(), Kind::waiting);
}

TEST_F(ColdTest, NoMoreIsAskedOfTheDiskThanOneAnswerCarries) {
  make_cold(40);
  auto request = fetch(60'000, 1, 40);
  request.max_bytes = 50 << 20;
  const auto waiting = ask(request, 11);
  EXPECT_EQ(store.asked_of_disk(), 4U) << "of 4 MiB";
  broker.tick();
  disk_answers();
  ASSERT_EQ(waiting->kind(), Kind::frame);
  EXPECT_EQ(store.asked_of_disk(), 4U) << "the answer was not full, so the next four are on their way";
}

TEST_F(ColdTest, ManyConsumersAllGetOn) {
  make_cold(4);
  std::vector<handlers::ReplyPtr> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(ask(fetch(60'000, 1, 4), 11));
  // What one takes is gone for the others, so they ask again: each round at least one gets on.
  for (int round = 0; round < 20; ++round) disk_answers();
  for (const auto& reply : waiting) {
    ASSERT_EQ(reply->kind(), Kind::frame);
    EXPECT_GT(records_in(reply), 0U);
  }
}

TEST_F(ColdTest, WhoIsGoneMeanwhileIsForgotten) {
  make_cold();
  const auto fetching = ask(fetch(0), 11);
  const auto listing = list(1);
  EXPECT_EQ(broker.fetch_waiters().size(), 2U);
  fetching->abandon();
  listing->abandon();
  EXPECT_EQ(broker.fetch_waiters().size(), 0U);
  disk_answers();
}

TEST_F(ColdTest, ATopicDeletedMeanwhileIsSaid) {
  make_cold();
  const auto fetching = ask(fetch(60'000), 11);
  const auto listing = list(1);
  broker.delete_topic(*state.find_topic("t"));
  disk_answers();
  EXPECT_EQ(answer<protocol::FetchResponse>(fetching, 11).topics.at(0).partitions.at(0).error_code,
            ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(listed(listing).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(ColdTest, TheEndAnswersEverybody) {
  make_cold();
  const auto hasty = ask(fetch(0), 11);
  const auto patient = ask(fetch(60'000), 11);
  const auto listing = list(1);
  broker.fetch_waiters().end_all();
  EXPECT_EQ(records_in(hasty), 0U);
  EXPECT_EQ(records_in(patient), 0U);
  EXPECT_EQ(listed(listing).error_code, ErrorCode::request_timed_out);
}

TEST_F(ColdTest, OffsetsByTimeComeWithTheDisk) {
  make_topic("t");
  produce(0, {100});
  produce(0, {200, 500, 300});
  produce(0, {400});
  store.set_cold(storage::PartitionIndex(0));
  const auto found = [this](std::int64_t time) {
    const auto reply = list(time);
    for (int i = 0; i < 200 && reply->kind() == Kind::waiting; ++i) disk_answers();
    return listed(reply);
  };
  EXPECT_EQ(found(250).offset, 2);
  EXPECT_EQ(found(501).offset, -1);
  const auto largest = found(protocol::kMaxTimestamp);
  EXPECT_EQ(largest.offset, 2);
  EXPECT_EQ(largest.timestamp_ms, 500);
  EXPECT_EQ(list(protocol::kLatestTimestamp)->kind(), Kind::frame) << "asks no disk";
}

TEST_F(ColdTest, OffsetsByTimeAreLookedForAnewWhenTheyWereDeleted) {
  make_topic("t");
  for (const std::int64_t time : {100, 200, 300}) produce(0, {time});
  store.set_cold(storage::PartitionIndex(0));
  const auto reply = list(150);
  disk_answers();  // the batch is found, and its bytes are asked for
  ASSERT_EQ(reply->kind(), Kind::waiting);
  (void)broker.delete_records(*state.find_topic("t"), storage::PartitionIndex(0), storage::Offset(2));
  for (int i = 0; i < 5 && reply->kind() == Kind::waiting; ++i) disk_answers();
  EXPECT_EQ(listed(reply).offset, 2);
}

TEST_F(ColdTest, ADiskThatNeverAnswersEndsASearchToo) {
  make_cold();
  const auto reply = list(1);
  pass(milliseconds(9'000));
  EXPECT_EQ(reply->kind(), Kind::waiting);
  pass(milliseconds(1'001));
  EXPECT_EQ(listed(reply).error_code, ErrorCode::request_timed_out);
}

}  // namespace
}  // namespace broker_tests
