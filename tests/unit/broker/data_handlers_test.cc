// Produce, InitProducerId, Fetch, ListOffsets.
#include "broker/core/time_search.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/producer_id.h"
#include "broker/protocol/record_batch.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

std::vector<std::byte> batch(int count = 1, std::size_t value_bytes = 10) {
  return protocol::plain_batch(count, value_bytes);
}
std::vector<std::byte> sequenced(std::int32_t first, int count, std::int16_t epoch = 0, std::int64_t id = 5) {
  protocol::RecordBatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.add({.key = "k", .value = "v", .timestamp_ms = 1});
  return builder.producer({id, epoch, first}).build();
}

class DataTest : public HandlersTest {
 protected:
  explicit DataTest(bool durable_at_once = true) : HandlersTest(durable_at_once) {}

  static protocol::ProduceRequest produce(const std::vector<std::byte>& records, int acks = -1,
                                          const std::string& topic = "t", std::int32_t partition = 0) {
    protocol::ProduceRequest request;
    request.acks = static_cast<std::int16_t>(acks);
    request.topics.push_back({topic, {{partition, protocol::BytesView(records)}}});
    return request;
  }
  protocol::ProducePartitionResponse produced(const std::vector<std::byte>& records, const std::string& topic = "t") {
    return call<protocol::ProduceResponse>(produce(records, -1, topic), 9).topics.at(0).partitions.at(0);
  }
  static protocol::FetchRequest fetch(std::int64_t offset, int wait_ms = 0, int min_bytes = 1) {
    protocol::FetchRequest request;
    request.max_wait_ms = wait_ms;
    request.min_bytes = min_bytes;
    protocol::FetchTopic topic;
    topic.topic = "t";
    topic.partitions.emplace_back();
    topic.partitions.back().fetch_offset = offset;
    topic.partitions.back().partition_max_bytes = 1 << 20;
    request.topics.push_back(topic);
    return request;
  }
  static const protocol::FetchPartitionResponse& only(const protocol::FetchResponse& response) {
    return response.topics.at(0).partitions.at(0);
  }
};

TEST_F(DataTest, OffsetsRiseAndTheBatchIsStoredWithItsOffset) {
  make_topic("t");
  EXPECT_EQ(produced(batch(3)).base_offset, 0);
  EXPECT_EQ(produced(batch(2)).base_offset, 3);
  const auto response = call<protocol::FetchResponse>(fetch(0), 11);
  EXPECT_EQ(only(response).high_watermark, 5);
  protocol::BatchIterator batches(only(response).records->span());
  const auto first = batches.next();
  const auto second = batches.next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->base_offset, 3);
  EXPECT_EQ(second->leader_epoch, 7);
  EXPECT_TRUE(protocol::crc_matches(*second)) << "offset and epoch lie before the checksummed part";
}

TEST_F(DataTest, BadBatchesAreRefusedAndNothingIsAppended) {
  make_topic("t", 1, {{"max.message.bytes", "1000"}});
  auto torn = batch();
  torn.back() ^= std::byte{1};
  EXPECT_EQ(produced(torn).error_code, ErrorCode::corrupt_message);
  const auto large = produced(batch(1, 2'000));
  EXPECT_EQ(large.error_code, ErrorCode::message_too_large);
  EXPECT_NE(large.error_message->find("1000"), std::string::npos) << *large.error_message;
  EXPECT_NE(produced({}).error_code, ErrorCode::none);
  EXPECT_EQ(produced(batch(), "other").error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(store.bounds({state.find_topic("t")->id, storage::PartitionIndex(0)})->end, storage::Offset(0));
}

TEST_F(DataTest, AcksZeroHasNoAnswerAndAnErrorClosesTheConnection) {
  make_topic("t");
  EXPECT_EQ(ask(produce(batch(), 0), 7)->kind(), Kind::nothing);
  EXPECT_EQ(ask(produce(batch(), 0, "none"), 7)->kind(), Kind::close);
  const auto response = call<protocol::ProduceResponse>(produce(batch(), 2), 7);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::invalid_required_acks);
  EXPECT_EQ(store.bounds({state.find_topic("t")->id, storage::PartitionIndex(0)})->end, storage::Offset(1));
}

TEST_F(DataTest, OldProduceVersionsAreAnsweredInWords) {
  make_topic("t");
  for (const int version : {0, 1, 2}) {
    const auto response = call<protocol::ProduceResponse>(produce(batch()), version);
    EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::unsupported_version);
  }
}

TEST_F(DataTest, RepeatedBatchIsAnsweredWithItsFirstOffset) {
  make_topic("t");
  EXPECT_EQ(produced(sequenced(0, 3)).base_offset, 0);
  EXPECT_EQ(produced(sequenced(3, 2)).base_offset, 3);
  EXPECT_EQ(produced(sequenced(0, 3)).base_offset, 0);
  EXPECT_EQ(produced(sequenced(9, 1)).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(produced(sequenced(0, 1, 2)).base_offset, 5);
  EXPECT_EQ(produced(sequenced(5, 1, 0)).error_code, ErrorCode::invalid_producer_epoch);
  EXPECT_EQ(store.bounds({state.find_topic("t")->id, storage::PartitionIndex(0)})->end, storage::Offset(6));
}

TEST_F(DataTest, NothingOvertakesAProducersVeryFirstBatchWhenThatIsRefused) {
  make_topic("t");
  auto torn = sequenced(0, 1);
  torn.back() ^= std::byte{1};
  EXPECT_EQ(produced(torn).error_code, ErrorCode::corrupt_message);
  EXPECT_EQ(produced(sequenced(1, 1)).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(produced(sequenced(2, 1)).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(produced(sequenced(0, 1)).base_offset, 0);
  EXPECT_EQ(produced(sequenced(1, 1)).base_offset, 1);
}

TEST_F(DataTest, FullDiskIsARefusalThatSticksUntilTheRefusedBatchReturns) {
  make_topic("t");
  for (const bool known : {false, true}) {
    const std::int64_t id = known ? 5 : 6;
    if (known) {
      EXPECT_EQ(produced(sequenced(0, 1, 0, id)).error_code, ErrorCode::none);
    }
    const std::int32_t next = known ? 1 : 0;
    store.set_full(true);
    EXPECT_EQ(produced(sequenced(next, 1, 0, id)).error_code, ErrorCode::kafka_storage_error);
    store.set_full(false);
    // There is room again, but what was sent behind the refused batch must not overtake it.
    EXPECT_EQ(produced(sequenced(next + 1, 1, 0, id)).error_code, ErrorCode::kafka_storage_error);
    EXPECT_EQ(produced(sequenced(next + 2, 1, 0, id)).error_code, ErrorCode::kafka_storage_error);
    EXPECT_EQ(produced(sequenced(next, 1, 0, id)).error_code, ErrorCode::none);
    EXPECT_EQ(produced(sequenced(next + 1, 1, 0, id)).error_code, ErrorCode::none);
    EXPECT_EQ(produced(sequenced(next + 5, 1, 0, id)).error_code, ErrorCode::out_of_order_sequence_number);
  }
}

TEST_F(DataTest, LogAppendTimeIsTheBrokers) {
  make_topic("t", 1, {{"message.timestamp.type", "LogAppendTime"}});
  const auto answer = produced(batch());
  EXPECT_EQ(answer.log_append_time_ms, 1'700'000'000'000);
  const auto response = call<protocol::FetchResponse>(fetch(0), 11);
  const auto stored = protocol::peek_batch(only(response).records->span());
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->log_append_time());
  EXPECT_TRUE(protocol::crc_matches(*stored));
}

TEST_F(DataTest, AWrongLargestTimeIsMendedBeforeItIsStored) {
  make_topic("t");
  auto records = protocol::RecordBatchBuilder().add({.value = "v", .timestamp_ms = 500}).build();
  protocol::set_max_timestamp(records, 100);  // as kafkajs does
  EXPECT_EQ(produced(records).error_code, ErrorCode::none);
  const auto response = call<protocol::FetchResponse>(fetch(0), 11);
  const auto stored = protocol::peek_batch(only(response).records->span());
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->max_timestamp_ms, 500);
  EXPECT_TRUE(protocol::crc_matches(*stored));
  auto search = core::TimeSearch::at_least({state.find_topic("t")->id, storage::PartitionIndex(0)}, 300);
  ASSERT_TRUE(search.attempt(store));
  EXPECT_EQ(search.found()->timestamp_ms, 500);
}

TEST_F(DataTest, ProducerIdsComeFromJournalledBlocks) {
  std::int64_t last = -1;
  for (int i = 0; i < 1'001; ++i) {
    const auto made = call<protocol::InitProducerIdResponse>(protocol::InitProducerIdRequest{}, 4);
    EXPECT_EQ(made.error_code, ErrorCode::none);
    EXPECT_EQ(made.producer_id, last + 1);
    last = made.producer_id;
  }
  EXPECT_EQ(store.journal().size(), 2U);
  core::State replayed;
  for (const auto& record : store.journal()) replayed.apply(record);
  EXPECT_EQ(replayed.next_producer_id(), storage::ProducerId(2'000)) << "none is given twice after a restart";
}

TEST_F(DataTest, FetchOutsideOfTheLogIsToldSo) {
  make_topic("t");
  (void)produced(batch(2));
  EXPECT_EQ(only(call<protocol::FetchResponse>(fetch(3), 11)).error_code, ErrorCode::offset_out_of_range);
  EXPECT_EQ(only(call<protocol::FetchResponse>(fetch(-1), 11)).error_code, ErrorCode::offset_out_of_range);
  const auto at_end = call<protocol::FetchResponse>(fetch(2), 11);
  EXPECT_EQ(only(at_end).error_code, ErrorCode::none);
  EXPECT_TRUE(only(at_end).records->empty());
}

TEST_F(DataTest, FetchReturnsAWholeBatchHoweverSmallTheLimit) {
  make_topic("t");
  const auto one = batch(1, 5'000);
  (void)produced(one);
  (void)produced(one);
  auto request = fetch(0);
  request.max_bytes = 1;
  request.topics[0].partitions[0].partition_max_bytes = 1;
  EXPECT_EQ(only(call<protocol::FetchResponse>(request, 11)).records->size(), one.size());
}

TEST_F(DataTest, FetchStaysWithinItsLimitOverPartitionsAndStarvesNone) {
  make_topic("t", 3);
  for (int partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 3; ++i) {
      (void)call<protocol::ProduceResponse>(produce(batch(1, 1'000), -1, "t", partition), 9);
    }
  }
  auto request = fetch(0);
  request.max_bytes = 2'500;
  request.topics[0].partitions.resize(3, request.topics[0].partitions[0]);
  for (int i = 0; i < 3; ++i) request.topics[0].partitions[static_cast<std::size_t>(i)].partition = i;
  std::vector<bool> served(3);
  for (int turn = 0; turn < 3; ++turn) {
    std::size_t bytes = 0;
    const auto response = call<protocol::FetchResponse>(request, 11);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(response.topics[0].partitions[i].partition_index, static_cast<int>(i)) << "in the request's order";
      bytes += response.topics[0].partitions[i].records->size();
      if (!response.topics[0].partitions[i].records->empty()) served[i] = true;
    }
    EXPECT_LE(bytes, 2'500U);
    EXPECT_GT(bytes, 0U);
  }
  EXPECT_EQ(served, std::vector<bool>(3, true));
}

TEST_F(DataTest, SessionsAreDeclined) {
  make_topic("t");
  auto request = fetch(0);
  request.session_id = 77;
  EXPECT_EQ(call<protocol::FetchResponse>(request, 11).error_code, ErrorCode::fetch_session_id_not_found);
  request.session_id = 0;
  request.session_epoch = 0;
  EXPECT_EQ(call<protocol::FetchResponse>(request, 11).session_id, 0);
}

TEST_F(DataTest, ListOffsetsKnowsTheEndsAndTheTimes) {
  make_topic("t");
  for (const std::int64_t time : {100, 300, 200}) {
    (void)produced(protocol::RecordBatchBuilder().add({.value = "v", .timestamp_ms = time}).build());
  }
  const auto list = [&](std::int64_t time) {
    protocol::ListOffsetsRequest request;
    request.topics.push_back({"t", {{0, -1, time}}});
    return call<protocol::ListOffsetsResponse>(request, 7).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(list(protocol::kEarliestTimestamp).offset, 0);
  EXPECT_EQ(list(protocol::kLatestTimestamp).offset, 3);
  EXPECT_EQ(list(150).offset, 1);
  EXPECT_EQ(list(301).offset, -1);
  EXPECT_EQ(list(protocol::kMaxTimestamp).offset, 1);
  EXPECT_EQ(list(protocol::kMaxTimestamp).timestamp_ms, 300);
}

// Nothing is durable before the test says so.
class SlowDiskTest : public DataTest {
 protected:
  SlowDiskTest() : DataTest(false) { make_topic("t"); }
  void flush() {
    store.flush();
    broker.tick();
  }
};

TEST_F(SlowDiskTest, AnswersCarryTheFrameTheyDependOn) {
  const auto first = ask(produce(sequenced(0, 1)), 9);
  EXPECT_EQ(first->kind(), Kind::frame);
  EXPECT_GT(first->ticket(), store.durable());
  const auto again = ask(produce(sequenced(0, 1)), 9);
  EXPECT_EQ(again->ticket(), first->ticket()) << "a duplicate waits for the original's flush";
  flush();
  EXPECT_LE(first->ticket(), store.durable());
}

TEST_F(SlowDiskTest, FetchNeverShowsWhatIsNotDurable) {
  flush();
  (void)ask(produce(batch()), 9);
  const auto now = call<protocol::FetchResponse>(fetch(0), 11);
  EXPECT_EQ(only(now).high_watermark, 0);
  EXPECT_TRUE(only(now).records->empty());
  EXPECT_EQ(only(call<protocol::FetchResponse>(fetch(1), 11)).error_code, ErrorCode::none) << "not out of range";
  const auto waiting = ask(fetch(0, 500), 11);
  EXPECT_EQ(waiting->kind(), Kind::waiting);
  flush();
  const auto then = answer<protocol::FetchResponse>(waiting, 11);
  EXPECT_EQ(only(then).high_watermark, 1);
  EXPECT_FALSE(only(then).records->empty());
  EXPECT_EQ(broker.fetch_waiters().size(), 0U);
}

TEST_F(SlowDiskTest, FetchWaitsForItsMinimumOrItsTime) {
  flush();
  const auto waiting = ask(fetch(0, 500, 250), 11);
  (void)ask(produce(batch(1, 10)), 9);
  flush();
  EXPECT_EQ(waiting->kind(), Kind::waiting);
  (void)ask(produce(batch(1, 200)), 9);
  flush();
  EXPECT_EQ(only(answer<protocol::FetchResponse>(waiting, 11)).high_watermark, 2);

  const auto in_vain = ask(fetch(2, 500), 11);
  clock.pass(std::chrono::milliseconds(499));
  broker.tick();
  EXPECT_EQ(in_vain->kind(), Kind::waiting);
  clock.pass(std::chrono::milliseconds(1));
  broker.tick();
  EXPECT_TRUE(only(answer<protocol::FetchResponse>(in_vain, 11)).records->empty());
}

TEST_F(SlowDiskTest, FetchOfAClosedConnectionIsForgotten) {
  flush();
  const auto waiting = ask(fetch(0, 60'000), 11);
  EXPECT_EQ(broker.fetch_waiters().size(), 1U);
  waiting->abandon();
  EXPECT_EQ(broker.fetch_waiters().size(), 0U);
  EXPECT_FALSE(broker.fetch_waiters().next_deadline().has_value());
}

}  // namespace
}  // namespace broker_tests
