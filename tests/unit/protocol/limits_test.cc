// Bounds of decoding, one by one; the random tests are codec_test.cc.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_versions.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offsets.h"
#include "broker/protocol/produce.h"
#include "tests/unit/protocol/allocations.h"
#include "tests/unit/protocol/hex.h"

namespace broker::protocol {
namespace {

template <class Message>
DecodeError error_of(std::string_view hex, std::int16_t version) {
  return decode<Message>(from_hex(hex), ApiVersion{version}).error;
}

TEST(DecodeLimits, ACountIsBoundedByWhatIsLeft) {
  EXPECT_EQ(error_of<MetadataRequest>("7fffffff 0001 61", 1), DecodeError::truncated);
  EXPECT_EQ(error_of<MetadataRequest>("ffffffff0f 02 61 00 00", 9), DecodeError::truncated);
  // One topic takes at least two bytes here: two cannot lie in three.
  EXPECT_EQ(error_of<MetadataRequest>("00000002 0000 00", 1), DecodeError::truncated);
}

TEST(DecodeLimits, ACountThatCannotBeIsRefusedBeforeAnythingIsAllocated) {
  auto bytes = from_hex("00000100");  // 256 topics of at least two bytes, in 511
  bytes.resize(bytes.size() + 511);
  const AllocationCount count;
  const auto decoded = decode<MetadataRequest>(bytes, ApiVersion{1});
  EXPECT_EQ(decoded.error, DecodeError::truncated);
  EXPECT_EQ(count.bytes(), 0U);
}

TEST(DecodeLimits, NegativeLengthsAreRefused) {
  EXPECT_EQ(error_of<MetadataRequest>("fffffffe", 1), DecodeError::bad_length);
  EXPECT_EQ(error_of<MetadataRequest>("00000001 fffe", 1), DecodeError::bad_length);
  EXPECT_EQ(error_of<ProduceRequest>("ffff 0001 00000001 00000001 0001 61 00000001 00000000 fffffffe", 3),
            DecodeError::bad_length);
}

TEST(DecodeLimits, NullIsRefusedWhereTheProtocolKnowsNone) {
  EXPECT_EQ(error_of<ProduceRequest>("ffff 0001 00000001 ffffffff", 3), DecodeError::null_not_allowed);
  EXPECT_EQ(error_of<ApiVersionsRequest>("00 02 61 00", 3), DecodeError::null_not_allowed);
  EXPECT_EQ(error_of<MetadataRequest>("ffffffff", 0), DecodeError::null_not_allowed);
  EXPECT_EQ(error_of<MetadataRequest>("ffffffff", 1), DecodeError::none);
}

TEST(DecodeLimits, NegativeVersionsAreRefused) {
  EXPECT_EQ(error_of<MetadataRequest>("", -1), DecodeError::unsupported_version);
}

TEST(DecodeLimits, StringsAreAsShortAsClassicOnes) {
  auto bytes = from_hex("818002");  // 32,768 bytes in a compact string
  bytes.resize(bytes.size() + 40'000, std::byte{'a'});
  EXPECT_EQ(decode<ApiVersionsRequest>(bytes, ApiVersion{3}).error, DecodeError::bad_length);
  bytes = from_hex("808002");  // 32,767
  bytes.resize(bytes.size() + 32'767, std::byte{'a'});
  for (const std::byte octet : from_hex("01 00")) bytes.push_back(octet);
  const auto decoded = decode<ApiVersionsRequest>(bytes, ApiVersion{3});
  ASSERT_TRUE(decoded) << name(decoded.error);
  EXPECT_EQ(decoded.message.client_software_name.size(), 32'767U);
}

TEST(DecodeLimits, UnknownTagsAreSkippedUpToTheirNumber) {
  std::string tags;
  for (int id = 10; id < 74; ++id) tags += to_hex(std::vector{static_cast<std::byte>(id), std::byte{1}, std::byte{0}});
  EXPECT_EQ(error_of<ApiVersionsRequest>("02 61 02 62 40" + tags, 3), DecodeError::none);
  EXPECT_EQ(error_of<ApiVersionsRequest>("02 61 02 62 41" + tags + "4a 01 00", 3), DecodeError::too_many_tags);
}

TEST(DecodeLimits, ATagReadsOnlyItsOwnBytes) {
  // Fetch v12 without its replica id; tag 0 is the cluster id.
  const std::string head = "00000000 00000000 00000000 00 00000000 ffffffff 01 01 01";
  const auto decoded = decode<FetchRequest>(from_hex("ffffffff" + head + "01 00 03 02 61 ff"), ApiVersion{12});
  ASSERT_TRUE(decoded) << name(decoded.error);
  EXPECT_EQ(decoded.message.cluster_id, "a");
  EXPECT_EQ(decoded.trailing_bytes, 0U);
  EXPECT_EQ(decode<FetchRequest>(from_hex("ffffffff" + head + "01 00 02 09 61 62626262"), ApiVersion{12}).error,
            DecodeError::truncated);
}

TEST(DecodeLimits, ElementsOfAllArraysAreCounted) {
  OffsetFetchRequest request;
  request.topics.emplace(2);
  for (OffsetFetchTopic& topic : *request.topics) topic.partition_indexes.resize(10);
  const auto bytes = encode(request, ApiVersion{7});
  EXPECT_TRUE(decode<OffsetFetchRequest>(bytes, ApiVersion{7}, {.elements_max = 22}));
  EXPECT_EQ(decode<OffsetFetchRequest>(bytes, ApiVersion{7}, {.elements_max = 21}).error,
            DecodeError::too_many_elements);
}

TEST(DecodeLimits, EmptyStringsDoNotMultiplyIntoMemory) {
  // 100,000 topics of two bytes each would take 5 MB.
  auto bytes = from_hex("000186a0");
  bytes.resize(bytes.size() + 200'000);
  const AllocationCount count;
  const auto decoded =
      decode<MetadataRequest>(bytes, ApiVersion{1}, {.elements_max = UINT32_MAX, .allocation_factor = 4});
  EXPECT_EQ(decoded.error, DecodeError::over_budget);
  EXPECT_LE(count.bytes(), 4 * bytes.size());
}

TEST(DecodeLimits, WhatShortStringsReallyTakeIsCounted) {
  MetadataRequest request;
  request.topics.emplace();
  for (int topics = 1; topics <= 40; ++topics) {
    request.topics->push_back({.topic_id = {}, .name = "sixteen.letters."});
    const auto bytes = encode(request, ApiVersion{1});
    for (std::size_t factor = 1; factor <= 10; ++factor) {
      const AllocationCount count;
      (void)decode<MetadataRequest>(bytes, ApiVersion{1}, {.allocation_factor = factor, .allocation_floor_bytes = 0});
      EXPECT_LE(count.bytes(), factor * bytes.size()) << topics << " topics, factor " << factor;
    }
  }
}

TEST(DecodeLimits, HonestLargeRequestsStayWithinThem) {
  MetadataRequest metadata;
  metadata.topics.emplace();
  for (int index = 0; index < 2'000; ++index) {
    metadata.topics->push_back({.topic_id = {}, .name = "orders." + std::to_string(index)});
  }
  FetchRequest fetch;
  fetch.topics.resize(100);
  OffsetCommitRequest commit;
  commit.topics.resize(100);
  for (std::size_t topic = 0; topic < 100; ++topic) {
    fetch.topics[topic].topic = commit.topics[topic].name = "orders." + std::to_string(topic);
    fetch.topics[topic].partitions.resize(20);
    commit.topics[topic].partitions.resize(20);
  }
  for (std::int16_t version = 0; version <= 12; ++version) {
    const auto decoded = decode<MetadataRequest>(encode(metadata, ApiVersion{version}), ApiVersion{version});
    EXPECT_TRUE(decoded) << "Metadata v" << version << ": " << name(decoded.error);
  }
  for (std::int16_t version = 4; version <= 16; ++version) {
    const auto decoded = decode<FetchRequest>(encode(fetch, ApiVersion{version}), ApiVersion{version});
    EXPECT_TRUE(decoded) << "Fetch v" << version << ": " << name(decoded.error);
  }
  for (std::int16_t version = 2; version <= 8; ++version) {
    const auto decoded = decode<OffsetCommitRequest>(encode(commit, ApiVersion{version}), ApiVersion{version});
    EXPECT_TRUE(decoded) << "OffsetCommit v" << version << ": " << name(decoded.error);
  }
}

TEST(Decode, RecordsAreNotCopied) {
  const std::vector<std::byte> records(1 << 20, std::byte{7});
  ProduceRequest request;
  request.topics.push_back({.name = "orders", .partitions = {}});
  for (std::int32_t index = 0; index < 12; ++index) {
    request.topics[0].partitions.push_back({.index = index, .records = BytesView(records)});
  }
  const auto bytes = encode(request, ApiVersion{9});
  const AllocationCount count;
  const auto decoded = decode<ProduceRequest>(bytes, ApiVersion{9});
  const std::size_t allocated = count.bytes();
  ASSERT_TRUE(decoded);
  EXPECT_LE(allocated, 1'000U);
  for (const ProducePartition& partition : decoded.message.topics[0].partitions) {
    EXPECT_GE(partition.records->data(), bytes.data());
    EXPECT_LE(partition.records->data() + partition.records->size(), bytes.data() + bytes.size());
  }
}

TEST(Decode, CountsWhatIsLeftOver) {
  const auto decoded = decode<MetadataRequest>(from_hex("ffffffff 0102"), ApiVersion{1});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded.trailing_bytes, 2U);
}

TEST(Encode, CutsTextThatIsTooLongForTheWire) {
  ProduceResponse response;
  response.topics.push_back({.name = "orders", .partitions = {{.error_message = std::string(40'000, 'x')}}});
  for (const std::int16_t version : {std::int16_t{8}, std::int16_t{11}}) {
    const auto decoded = decode<ProduceResponse>(encode(response, ApiVersion{version}), ApiVersion{version});
    ASSERT_TRUE(decoded) << name(decoded.error);
    EXPECT_EQ(decoded.message.topics[0].partitions[0].error_message->size(), 32'767U);
  }
}

}  // namespace
}  // namespace broker::protocol
