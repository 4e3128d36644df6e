// ListOffsets, OffsetForLeaderEpoch, DeleteRecords, by bytes.
#include <string>

#include "broker/protocol/delete_records.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/offset_for_leader_epoch.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

constexpr std::int32_t kEpoch = MemoryStore::kLeaderEpoch;

class OffsetsTest : public HandlersTest {
 protected:
  void produce(const std::vector<std::byte>& records, std::int32_t partition = 0) {
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{partition, protocol::BytesView(records)}}});
    const auto response = answer<protocol::ProduceResponse>(ask(request, 9), 9);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::none);
  }
  void produce_at(const std::vector<std::int64_t>& times) {
    protocol::RecordBatchBuilder builder;
    for (const auto time : times) builder.add({.value = "v", .timestamp_ms = time});
    produce(builder.build());
  }
  static protocol::ListOffsetsRequest listing(std::int64_t time, std::int32_t epoch = -1, std::int32_t partition = 0) {
    protocol::ListOffsetsRequest request;
    request.topics.push_back({"t", {{partition, epoch, time}}});
    return request;
  }
  protocol::ListOffsetsPartitionResponse listed(const protocol::ListOffsetsRequest& request, int version = 7) {
    return call<protocol::ListOffsetsResponse>(request, version).topics.at(0).partitions.at(0);
  }
  protocol::EpochEndOffset epoch_end(std::int32_t asked, std::int32_t current = -1, int version = 4,
                                     std::int32_t partition = 0) {
    protocol::OffsetForLeaderEpochRequest request;
    request.topics.push_back({"t", {{partition, current, asked}}});
    return call<protocol::OffsetForLeaderEpochResponse>(request, version).topics.at(0).partitions.at(0);
  }
  static protocol::DeleteRecordsRequest deletion(std::int64_t before, const std::string& topic = "t",
                                                 std::int32_t partition = 0) {
    protocol::DeleteRecordsRequest request;
    request.topics.push_back({topic, {{partition, before}}});
    return request;
  }
  protocol::DeleteRecordsPartitionResponse deleted(const protocol::DeleteRecordsRequest& request, int version = 2) {
    return call<protocol::DeleteRecordsResponse>(request, version).topics.at(0).partitions.at(0);
  }
  storage::PartitionRef partition() { return {state.find_topic("t")->id, storage::PartitionIndex(0)}; }
};

TEST_F(OffsetsTest, ListOffsetsAtEveryVersion) {
  make_topic("t");
  produce_at({100, 300, 200});
  for (int version = 1; version <= 7; ++version) {
    const auto request = [](std::int64_t time) { return listing(time, kEpoch); };
    EXPECT_EQ(listed(request(protocol::kEarliestTimestamp), version).offset, 0);
    const auto latest = listed(request(protocol::kLatestTimestamp), version);
    EXPECT_EQ(latest.offset, 3);
    EXPECT_EQ(latest.leader_epoch, version >= 4 ? kEpoch : -1);
    EXPECT_EQ(listed(request(150), version).offset, 1) << "the record, not its batch";
    EXPECT_EQ(listed(request(150), version).timestamp_ms, 300);
    EXPECT_EQ(listed(request(301), version).offset, -1);
    const auto largest = listed(request(protocol::kMaxTimestamp), version);
    EXPECT_EQ(largest.error_code, version >= 7 ? ErrorCode::none : ErrorCode::unsupported_version);
    EXPECT_EQ(largest.offset, version >= 7 ? 1 : -1);
    EXPECT_EQ(listed(request(-4), version).error_code, ErrorCode::unsupported_version);
  }
}

TEST_F(OffsetsTest, ListOffsetsByTimeInsideOfCompressedBatchesIsTheBatch) {
  make_topic("t");
  produce_at({100});
  auto compressed = protocol::RecordBatchBuilder()
                        .add({.value = "v", .timestamp_ms = 150})
                        .add({.value = "v", .timestamp_ms = 300})
                        .attributes(1)
                        .build();
  produce(compressed);
  const auto found = listed(listing(200));
  EXPECT_EQ(found.offset, 1) << "one record too early rather than one too late";
  EXPECT_EQ(found.leader_epoch, kEpoch);
}

TEST_F(OffsetsTest, ListOffsetsChecksTheLeaderEpochAndTheName) {
  make_topic("t");
  EXPECT_EQ(listed(listing(-1, kEpoch - 1), 4).error_code, ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(listed(listing(-1, kEpoch + 1), 4).error_code, ErrorCode::unknown_leader_epoch);
  EXPECT_EQ(listed(listing(-1, -1, 1)).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(listed(listing(-1, -1, -1)).error_code, ErrorCode::unknown_topic_or_partition);
  auto other = listing(-1);
  other.topics[0].name = "none";
  EXPECT_EQ(listed(other, 1).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(OffsetsTest, EarliestHasTheEpochItWasWrittenUnder) {
  make_topic("t");
  produce_at({1, 2, 3, 4});
  state.apply(storage::EpochStarted{kEpoch, {{partition(), storage::Offset(3)}}});
  EXPECT_EQ(listed(listing(protocol::kEarliestTimestamp)).leader_epoch, kEpoch - 1);
  EXPECT_EQ(deleted(deletion(3)).low_watermark, 3);
  EXPECT_EQ(listed(listing(protocol::kEarliestTimestamp)).leader_epoch, kEpoch);
}

TEST_F(OffsetsTest, OffsetForLeaderEpochKnowsWhereEpochsEnded) {
  make_topic("t");
  produce_at({1, 2, 3, 4, 5});
  for (const int version : {2, 4}) {
    EXPECT_EQ(epoch_end(kEpoch, kEpoch, version).end_offset, 5);
    EXPECT_EQ(epoch_end(kEpoch, kEpoch, version).leader_epoch, kEpoch);
    EXPECT_EQ(epoch_end(kEpoch - 3, -1, version).end_offset, 0) << "the topic was made later";
  }
  state.apply(storage::EpochStarted{kEpoch - 4, {{partition(), storage::Offset(1)}}});
  state.apply(storage::EpochStarted{kEpoch - 2, {{partition(), storage::Offset(2)}}});
  state.apply(storage::EpochStarted{kEpoch, {{partition(), storage::Offset(4)}}});
  const auto end = [&](std::int32_t asked) {
    const auto answer = epoch_end(asked);
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    return std::pair(answer.leader_epoch, answer.end_offset);
  };
  using Pair = std::pair<std::int32_t, std::int64_t>;
  EXPECT_EQ(end(kEpoch + 1), Pair(-1, -1)) << "never reached";
  EXPECT_EQ(end(kEpoch), Pair(kEpoch, 5));
  EXPECT_EQ(end(kEpoch - 1), Pair(kEpoch - 2, 4)) << "nothing was written under that one";
  EXPECT_EQ(end(kEpoch - 2), Pair(kEpoch - 2, 4));
  EXPECT_EQ(end(kEpoch - 3), Pair(kEpoch - 4, 2));
  EXPECT_EQ(end(kEpoch - 5), Pair(kEpoch - 5, 1));
  EXPECT_EQ(end(-1), Pair(-1, -1));
  EXPECT_EQ(deleted(deletion(3)).low_watermark, 3);
  EXPECT_EQ(end(kEpoch - 5), Pair(kEpoch - 5, 3)) << "not before the log's start";
  EXPECT_EQ(epoch_end(kEpoch, kEpoch - 1).error_code, ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(epoch_end(kEpoch, kEpoch + 1).error_code, ErrorCode::unknown_leader_epoch);
  EXPECT_EQ(epoch_end(kEpoch, -1, 2, 1).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(epoch_end(kEpoch, -1, 4, -1).end_offset, -1);
}

TEST_F(OffsetsTest, DeleteRecordsMovesTheStart) {
  make_topic("t");
  for (int i = 0; i < 4; ++i) produce_at({100 + i, 200 + i});
  EXPECT_EQ(deleted(deletion(2), 0).low_watermark, 2);
  EXPECT_EQ(listed(listing(protocol::kEarliestTimestamp)).offset, 2);
  EXPECT_EQ(listed(listing(150)).offset, 3) << "what is gone is not found";
  EXPECT_EQ(deleted(deletion(1), 2).low_watermark, 2) << "it never goes back";
  EXPECT_EQ(deleted(deletion(2), 2).low_watermark, 2);
  EXPECT_EQ(store.journal().size(), 6U) << "and what changes nothing is not journalled";
  EXPECT_EQ(deleted(deletion(-1), 2).low_watermark, 8);
  EXPECT_EQ(listed(listing(protocol::kEarliestTimestamp)).offset, 8);
  EXPECT_EQ(listed(listing(0)).offset, -1);
  EXPECT_EQ(deleted(deletion(-1), 2).low_watermark, 8);
  produce_at({1});
  EXPECT_EQ(listed(listing(protocol::kLatestTimestamp)).offset, 9);
}

TEST_F(OffsetsTest, DeleteRecordsInTheMiddleOfABatch) {
  make_topic("t");
  produce_at({300, 100, 200});
  EXPECT_EQ(deleted(deletion(1)).low_watermark, 1);
  EXPECT_EQ(listed(listing(150)).offset, 2) << "the record of time 300 is gone, though its batch is there";
  EXPECT_EQ(listed(listing(protocol::kEarliestTimestamp)).offset, 1);
}

TEST_F(OffsetsTest, DeleteRecordsRefuses) {
  make_topic("t");
  produce_at({1, 2});
  for (const int version : {0, 2}) {
    const auto beyond = deleted(deletion(3), version);
    EXPECT_EQ(beyond.error_code, ErrorCode::offset_out_of_range);
    EXPECT_EQ(beyond.low_watermark, -1);
    EXPECT_EQ(deleted(deletion(-2), version).error_code, ErrorCode::offset_out_of_range);
    EXPECT_EQ(deleted(deletion(0, "none"), version).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(deleted(deletion(0, "t", 1), version).error_code, ErrorCode::unknown_topic_or_partition);
  }
  EXPECT_EQ(store.journal().size(), 2U);
}

TEST_F(OffsetsTest, DeleteRecordsTakesOnlyWhatIsDurableAndItsAnswerWaits) {
  make_topic("t");
  produce_at({1});
  store.set_durable_at_once(false);
  produce_at({2});
  EXPECT_EQ(deleted(deletion(2)).error_code, ErrorCode::offset_out_of_range) << "what nobody has seen";
  const auto reply = ask(deletion(-1), 2);
  EXPECT_EQ(reply->ticket(), storage::Ticket(4));
  const auto response = answer<protocol::DeleteRecordsResponse>(reply, 2);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).low_watermark, 1);
  EXPECT_EQ(ask(listing(protocol::kEarliestTimestamp), 7)->ticket(), storage::Ticket(4))
      << "nobody sees the new start before it is durable";
}

TEST_F(OffsetsTest, RequestsThatNameTooManyPartitionsCloseTheConnection) {
  make_topic("t");
  auto list = listing(-1);
  list.topics[0].partitions.resize(2'001, list.topics[0].partitions[0]);
  EXPECT_EQ(ask(list, 7)->kind(), Kind::close);
  auto remove = deletion(-1);
  remove.topics[0].partitions.resize(2'001, remove.topics[0].partitions[0]);
  EXPECT_EQ(ask(remove, 2)->kind(), Kind::close);
  protocol::OffsetForLeaderEpochRequest epochs;
  epochs.topics.push_back({"t", std::vector<protocol::OffsetForLeaderPartition>(2'001)});
  EXPECT_EQ(ask(epochs, 4)->kind(), Kind::close);
}

}  // namespace
}  // namespace broker_tests
