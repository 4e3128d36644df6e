// Idempotent producers: what is next, what was there already, what is out of order.
#include "broker/core/producers.h"

#include <gtest/gtest.h>

#include <limits>

#include "broker/core/refused_producers.h"

namespace broker_tests {
namespace {

namespace storage = broker::storage;
using broker::core::BatchSequence;
using broker::core::Producers;
using broker::core::sequence_after;
using broker::core::SequenceVerdict;

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
const storage::PartitionRef kPartition{{1}, storage::PartitionIndex(0)};

BatchSequence batch(std::int32_t first, std::int32_t count, std::int16_t epoch = 0, std::int64_t producer = 9) {
  return {storage::ProducerId(producer), epoch, first, count};
}
void append(Producers& producers, const BatchSequence& one, std::int64_t base) {
  producers.apply(storage::Append{
      kPartition, storage::Offset(base), one.count, 0, 100 + base, one.producer, one.epoch, one.first, {}});
}
SequenceVerdict verdict(const Producers& producers, const BatchSequence& one) {
  return producers.check(kPartition, one).verdict;
}

TEST(Producers, SequenceWrapsFromTheLargestToZero) {
  EXPECT_EQ(sequence_after(5, 3), 8);
  EXPECT_EQ(sequence_after(kMax, 1), 0);
  EXPECT_EQ(sequence_after(kMax - 1, 5), 3);
  EXPECT_EQ(sequence_after(kMax - 1, 1), kMax);
}

TEST(Producers, UnknownProducerMayStartAnywhere) {
  const Producers producers;
  EXPECT_EQ(verdict(producers, batch(77, 1)), SequenceVerdict::append);
}

TEST(Producers, LastFiveBatchesAreRecognised) {
  Producers producers;
  for (int i = 0; i < 7; ++i) append(producers, batch(i * 10, 10), 1000 + i * 10);
  producers.note_ticket(kPartition, storage::ProducerId(9), storage::Ticket(42));
  for (int i = 2; i < 7; ++i) {
    const auto answer = producers.check(kPartition, batch(i * 10, 10));
    EXPECT_EQ(answer.verdict, SequenceVerdict::duplicate) << i;
    EXPECT_EQ(answer.original, storage::Offset(1000 + i * 10));
    EXPECT_EQ(answer.ticket, storage::Ticket(42)) << "its answer waits for the flush of the first sending";
  }
  EXPECT_EQ(verdict(producers, batch(10, 10)), SequenceVerdict::out_of_order) << "older than the last five";
  EXPECT_EQ(verdict(producers, batch(60, 9)), SequenceVerdict::out_of_order) << "not an exact match";
  EXPECT_EQ(verdict(producers, batch(70, 1)), SequenceVerdict::append);
  EXPECT_EQ(verdict(producers, batch(71, 1)), SequenceVerdict::out_of_order);
}

TEST(Producers, GoesOnAfterTheWrap) {
  Producers producers;
  append(producers, batch(kMax - 4, 10), 0);
  EXPECT_EQ(verdict(producers, batch(kMax - 4, 10)), SequenceVerdict::duplicate);
  EXPECT_EQ(verdict(producers, batch(5, 1)), SequenceVerdict::append);
  EXPECT_EQ(verdict(producers, batch(6, 1)), SequenceVerdict::out_of_order);
  Producers at_the_end;
  append(at_the_end, batch(kMax - 1, 2), 0);
  EXPECT_EQ(verdict(at_the_end, batch(0, 3)), SequenceVerdict::append);
}

TEST(Producers, NewEpochStartsAtZeroAndOldOnesAreRefused) {
  Producers producers;
  append(producers, batch(0, 5, 1), 0);
  EXPECT_EQ(verdict(producers, batch(5, 1, 0)), SequenceVerdict::stale_epoch);
  EXPECT_EQ(verdict(producers, batch(5, 1, 2)), SequenceVerdict::out_of_order);
  EXPECT_EQ(verdict(producers, batch(0, 5, 2)), SequenceVerdict::append);
  append(producers, batch(0, 5, 2), 5);
  EXPECT_EQ(verdict(producers, batch(0, 5, 2)), SequenceVerdict::duplicate);
  EXPECT_EQ(verdict(producers, batch(5, 1, 1)), SequenceVerdict::stale_epoch);
}

TEST(Producers, TheOneIdleLongestIsForgottenAndASnapshotKeepsTheOrder) {
  Producers producers(3);
  for (int id = 1; id <= 3; ++id) append(producers, batch(0, 1, 0, id), id);
  append(producers, batch(1, 1, 0, 1), 10);  // 2 is now the oldest
  Producers copy(3);
  for (const auto& state : producers.snapshot()) copy.apply(state);
  for (auto* table : {&producers, &copy}) {
    append(*table, batch(0, 1, 0, 4), 11);
    EXPECT_EQ(table->size(), 3U);
    EXPECT_EQ(verdict(*table, batch(500, 1, 0, 2)), SequenceVerdict::append) << "forgotten: any sequence";
    EXPECT_EQ(verdict(*table, batch(500, 1, 0, 1)), SequenceVerdict::out_of_order);
  }
}

TEST(Producers, ADeletedTopicsAreForgottenAndNoOthers) {
  Producers producers(4);
  const auto of_topic = [](std::uint8_t topic, std::int64_t producer) {
    return storage::Append{
        {{topic}, storage::PartitionIndex(0)}, storage::Offset(0), 1, 0, 100, storage::ProducerId(producer), 0, 0, {}};
  };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 6; ++i) producers.apply(of_topic(static_cast<std::uint8_t>(1 + i % 2), i));
    EXPECT_EQ(producers.size(), 4U);
    producers.forget_topic({1});
    EXPECT_EQ(producers.size(), 2U);
    producers.forget_topic({1});
    producers.forget_topic({3});
    EXPECT_EQ(producers.size(), 2U);
    for (const auto& left : producers.snapshot()) EXPECT_EQ(left.partition.topic, storage::TopicId{2});
  }
  producers.forget_topic({2});
  EXPECT_EQ(producers.size(), 0U);
}

TEST(RefusedProducers, ADeletedTopicsAreForgottenAndNoOthers) {
  broker::core::RefusedProducers refused;
  const storage::PartitionRef other{{2}, storage::PartitionIndex(0)};
  for (const auto& partition : {kPartition, other}) {
    refused.refuse(partition, batch(5, 1));
    EXPECT_TRUE(refused.holds_back(partition, batch(6, 1)));
  }
  refused.forget_topic(kPartition.topic);
  EXPECT_FALSE(refused.holds_back(kPartition, batch(6, 1)));
  EXPECT_TRUE(refused.holds_back(other, batch(6, 1)));
  EXPECT_EQ(refused.size(), 1U);
}

}  // namespace
}  // namespace broker_tests
