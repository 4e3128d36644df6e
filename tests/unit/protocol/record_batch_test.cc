// Record batches: every reason to refuse one, rewriting in place, iterating.
#include "broker/protocol/record_batch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/wire.h"
#include "tests/unit/protocol/hex.h"
#include "tests/unit/protocol/seed.h"

namespace broker::protocol {
namespace {

constexpr std::size_t kSizeMax = 1'048'588;
constexpr std::int64_t kTime = 1'700'000'000'000;

RecordBatchBuilder three_records() {
  RecordBatchBuilder builder;
  builder.add({.key = "k", .value = "v", .timestamp_ms = kTime, .headers = {{"h", "1"}, {"n", std::nullopt}}})
      .add({.key = std::nullopt, .value = "second", .timestamp_ms = kTime + 500, .headers = {}})
      .add({.key = "k", .value = std::nullopt, .timestamp_ms = kTime - 7, .headers = {}});
  return builder;
}

template <class T>
std::vector<std::byte> altered(std::vector<std::byte> batch, std::size_t at, T value, bool seal = true) {
  store_big_endian(batch.data() + at, value);
  if (seal) reseal(batch);
  return batch;
}

// The same batch with other bytes behind its header, and length and CRC that fit them.
std::vector<std::byte> with_records(std::vector<std::byte> batch, std::string_view hex) {
  batch.resize(kBatchHeaderBytes);
  const auto records = from_hex(hex);
  batch.insert(batch.end(), records.begin(), records.end());
  store_big_endian(batch.data() + 8, static_cast<std::int32_t>(batch.size() - 12));
  reseal(batch);
  return batch;
}

BatchFault fault_of(const std::vector<std::byte>& records, std::size_t size_max = kSizeMax) {
  return check_produced(records, size_max).fault;
}

TEST(RecordBatch, AcceptsAGoodOne) {
  const auto batch = three_records().producer({.id = 9, .epoch = 1, .base_sequence = 5}).build();
  const CheckedBatch checked = check_produced(batch, kSizeMax);
  ASSERT_TRUE(checked) << name(checked.fault);
  EXPECT_EQ(checked.header.record_count, 3);
  EXPECT_EQ(checked.header.last_offset(), 2);
  EXPECT_EQ(checked.header.producer_id, 9);
  EXPECT_EQ(checked.header.producer_epoch, 1);
  EXPECT_EQ(checked.header.base_sequence, 5);
  EXPECT_EQ(checked.header.size(), batch.size());
  EXPECT_EQ(checked.max_timestamp_ms, kTime + 500);
  EXPECT_EQ(fault_of(batch, batch.size()), BatchFault::none);
}

TEST(RecordBatch, AcceptsEveryCodecWithoutLookingInside) {
  for (std::int16_t codec = 1; codec <= 4; ++codec) {
    auto batch = with_records(three_records().attributes(codec).build(), "deadbeef");
    EXPECT_EQ(fault_of(batch), BatchFault::none) << codec;
  }
}

TEST(RecordBatch, RefusesDamagedFrames) {
  const auto good = three_records().build();
  EXPECT_EQ(fault_of({}), BatchFault::empty);
  for (std::size_t size = 1; size < good.size(); ++size) {
    const std::vector<std::byte> prefix(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(fault_of(prefix), BatchFault::truncated) << size;
  }
  EXPECT_EQ(fault_of(altered(good, 8, std::int32_t{48})), BatchFault::bad_length);
  EXPECT_EQ(fault_of(altered(good, 8, std::int32_t{-1})), BatchFault::bad_length);
  EXPECT_EQ(fault_of(altered(good, 8, INT32_MAX)), BatchFault::truncated);
  EXPECT_EQ(fault_of(altered(good, 16, std::int8_t{1})), BatchFault::bad_magic);
  EXPECT_EQ(fault_of(good, good.size() - 1), BatchFault::too_large);
}

TEST(RecordBatch, EveryFlippedBitOfTheChecksummedPartIsSeen) {
  const auto good = three_records().build();
  for (std::size_t at = 17; at < good.size(); ++at) {
    auto damaged = good;
    damaged[at] ^= std::byte{0x10};
    ASSERT_EQ(fault_of(damaged), BatchFault::bad_crc) << at;
  }
}

TEST(RecordBatch, RefusesWhatOnlyABrokerMayWrite) {
  EXPECT_EQ(fault_of(altered(three_records().build(), 0, std::int64_t{1})), BatchFault::bad_base_offset);
  EXPECT_EQ(fault_of(three_records().attributes(0x20).build()), BatchFault::control_batch);
  EXPECT_EQ(fault_of(three_records().attributes(0x08).build()), BatchFault::log_append_time);
}

TEST(RecordBatch, RefusesTransactionsAndUnknownCodecs) {
  EXPECT_EQ(fault_of(three_records().attributes(0x10).build()), BatchFault::transactional_batch);
  EXPECT_EQ(fault_of(three_records().attributes(5).build()), BatchFault::unknown_codec);
  EXPECT_EQ(fault_of(three_records().attributes(7).build()), BatchFault::unknown_codec);
}

TEST(RecordBatch, RefusesCountsThatDoNotFit) {
  const auto good = three_records().build();
  EXPECT_EQ(fault_of(altered(good, 57, std::int32_t{0})), BatchFault::bad_count);
  EXPECT_EQ(fault_of(altered(good, 57, std::int32_t{-3})), BatchFault::bad_count);
  EXPECT_EQ(fault_of(altered(good, 57, std::int32_t{2})), BatchFault::bad_count);
  EXPECT_EQ(fault_of(altered(good, 23, std::int32_t{3})), BatchFault::bad_count);
  EXPECT_EQ(fault_of(altered(good, 23, std::int32_t{-1})), BatchFault::bad_count);
  // Both agree on far more records than the bytes can hold.
  EXPECT_EQ(fault_of(altered(altered(good, 57, INT32_MAX), 23, INT32_MAX - 1)), BatchFault::bad_count);
  // Both agree on one more, or one less, than there are.
  EXPECT_EQ(fault_of(altered(altered(good, 57, std::int32_t{4}), 23, std::int32_t{3})), BatchFault::bad_record);
  EXPECT_EQ(fault_of(altered(altered(good, 57, std::int32_t{2}), 23, std::int32_t{1})), BatchFault::trailing_bytes);
}

TEST(RecordBatch, RefusesAProducerIdWithoutItsNumbers) {
  EXPECT_EQ(fault_of(three_records().producer({.id = 1, .epoch = -1, .base_sequence = 0}).build()),
            BatchFault::bad_producer);
  EXPECT_EQ(fault_of(three_records().producer({.id = 1, .epoch = 0, .base_sequence = -1}).build()),
            BatchFault::bad_producer);
  EXPECT_EQ(fault_of(three_records().producer({.id = -2, .epoch = 0, .base_sequence = 0}).build()),
            BatchFault::bad_producer);
  // kafkajs, not idempotent.
  EXPECT_EQ(fault_of(three_records().producer({.id = -1, .epoch = 0, .base_sequence = 0}).build()), BatchFault::none);
}

TEST(RecordBatch, RefusesRecordsThatDoNotAddUp) {
  RecordBatchBuilder one;
  const auto batch = one.add({.key = std::nullopt, .value = "v", .timestamp_ms = kTime, .headers = {}}).build();
  ASSERT_EQ(to_hex(std::span(batch).subspan(61)),
            "0e0000000102"
            "7600");
  // length 7: attributes, time, offset, key −1, value 1 byte, no header.
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 01 02 76 00")), BatchFault::none);
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 02 01 02 76 00")), BatchFault::bad_record) << "offset delta 1";
  EXPECT_EQ(fault_of(with_records(batch, "0c 00 00 00 01 02 76 00")), BatchFault::bad_record) << "length too small";
  EXPECT_EQ(fault_of(with_records(batch, "10 00 00 00 01 02 76 00")), BatchFault::bad_record) << "length too large";
  EXPECT_EQ(fault_of(with_records(batch, "01 00 00 00 01 02 76 00")), BatchFault::bad_record) << "length −1";
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 03 02 76 00")), BatchFault::bad_record) << "key length −2";
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 01 04 76 00")), BatchFault::bad_record) << "value too long";
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 01 02 76 01")), BatchFault::bad_record) << "−1 headers";
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 01 02 76 02")), BatchFault::bad_record) << "a header missing";
  EXPECT_EQ(fault_of(with_records(batch, "12 00 00 00 01 02 76 02 01 01")), BatchFault::bad_record)
      << "header key null";
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 00 00 01 02 76 00 00")), BatchFault::trailing_bytes);
}

TEST(RecordBatch, RefusesMoreThanOneBatch) {
  auto two = three_records().build();
  const auto second = three_records().build();
  two.insert(two.end(), second.begin(), second.end());
  EXPECT_EQ(fault_of(two), BatchFault::several_batches);
  auto trailing = second;
  trailing.push_back(std::byte{});
  EXPECT_EQ(fault_of(trailing), BatchFault::trailing_bytes);
}

TEST(RecordBatch, RefusesBatchesWithoutAnyTime) {
  RecordBatchBuilder builder;
  builder.add({.key = std::nullopt, .value = "v", .timestamp_ms = -1, .headers = {}});
  EXPECT_EQ(fault_of(builder.build()), BatchFault::no_timestamp);
  const auto compressed = with_records(three_records().attributes(1).build(), "00");
  EXPECT_EQ(fault_of(altered(compressed, 35, std::int64_t{-1})), BatchFault::no_timestamp);
}

TEST(RecordBatch, FindsTheTrueMaximumTime) {
  auto batch = altered(three_records().build(), 35, std::int64_t{-1});
  const CheckedBatch checked = check_produced(batch, kSizeMax);
  ASSERT_TRUE(checked) << name(checked.fault);
  EXPECT_EQ(checked.max_timestamp_ms, kTime + 500);
  EXPECT_EQ(checked.header.max_timestamp_ms, -1);
  set_max_timestamp(batch, checked.max_timestamp_ms);
  EXPECT_EQ(check_produced(batch, kSizeMax).header.max_timestamp_ms, kTime + 500);
}

TEST(RecordBatch, OverflowingTimesAreRefused) {
  RecordBatchBuilder one;
  const auto batch = one.add({.key = std::nullopt, .value = "v", .timestamp_ms = INT64_MAX, .headers = {}}).build();
  EXPECT_EQ(fault_of(batch), BatchFault::none);
  EXPECT_EQ(fault_of(with_records(batch, "0e 00 02 00 01 02 76 00")), BatchFault::bad_record);
}

TEST(RecordBatch, OffsetAndEpochAreSetWithoutTouchingTheSum) {
  auto batch = three_records().build();
  set_base_offset(batch, 1'000'000'000'000);
  set_leader_epoch(batch, 42);
  const auto header = peek_batch(batch);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->base_offset, 1'000'000'000'000);
  EXPECT_EQ(header->last_offset(), 1'000'000'000'002);
  EXPECT_EQ(header->leader_epoch, 42);
  EXPECT_TRUE(crc_matches(*header));
}

TEST(RecordBatch, AppendTimeIsSetWithANewSum) {
  auto batch = three_records().build();
  set_log_append_time(batch, kTime + 10'000);
  const auto header = peek_batch(batch);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->log_append_time());
  EXPECT_EQ(header->max_timestamp_ms, kTime + 10'000);
  EXPECT_TRUE(crc_matches(*header));
}

TEST(RecordBatch, IteratesABlobUpToItsPartialEnd) {
  std::vector<std::byte> blob;
  for (std::int64_t index = 0; index < 5; ++index) {
    auto batch = plain_batch(static_cast<std::int32_t>(index) + 1, 20);
    set_base_offset(batch, index * 100);
    blob.insert(blob.end(), batch.begin(), batch.end());
  }
  const auto partial = plain_batch(1, 20);
  blob.insert(blob.end(), partial.begin(), partial.end() - 1);
  BatchIterator batches(blob);
  for (std::int64_t index = 0; index < 5; ++index) {
    const auto header = batches.next();
    ASSERT_TRUE(header);
    EXPECT_EQ(header->base_offset, index * 100);
    EXPECT_EQ(header->record_count, index + 1);
  }
  EXPECT_FALSE(batches.next());
  EXPECT_EQ(batches.rest().size(), partial.size() - 1);
}

TEST(RecordBatch, MapsFaultsToWhatClientsUnderstand) {
  EXPECT_EQ(error_code(BatchFault::none), ErrorCode::none);
  EXPECT_EQ(error_code(BatchFault::bad_crc), ErrorCode::corrupt_message);
  EXPECT_EQ(error_code(BatchFault::too_large), ErrorCode::message_too_large);
  EXPECT_EQ(error_code(BatchFault::unknown_codec), ErrorCode::unsupported_compression_type);
  EXPECT_EQ(error_code(BatchFault::several_batches), ErrorCode::invalid_record);
  EXPECT_EQ(error_code(BatchFault::log_append_time), ErrorCode::invalid_timestamp);
}

TEST(RecordBatch, SurvivesDamageBehindAValidSum) {
  std::mt19937_64 random(test_seed());
  const auto good = three_records().producer({.id = 9, .epoch = 1, .base_sequence = 5}).build();
  for (int round = 0; round < 50'000; ++round) {
    auto damaged = good;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      damaged[21 + random() % (damaged.size() - 21)] = static_cast<std::byte>(random());
    }
    reseal(damaged);
    const CheckedBatch checked = check_produced(damaged, kSizeMax);
    ASSERT_NE(checked.fault, BatchFault::bad_crc);
  }
}

}  // namespace
}  // namespace broker::protocol
