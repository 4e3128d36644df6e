// Bytes worked out by hand from the protocol guide, so that encoder and decoder cannot agree on a mistake.
// What real clients sent: captures_test.cc.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/protocol/api_versions.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/produce.h"
#include "tests/unit/protocol/hex.h"

namespace broker::protocol {
namespace {

template <class Message>
void expect_bytes(const Message& message, std::int16_t version, std::string_view hex) {
  const auto bytes = from_hex(hex);
  EXPECT_EQ(to_hex(encode(message, ApiVersion{version})), to_hex(bytes));
  const auto decoded = decode<Message>(bytes, ApiVersion{version});
  ASSERT_TRUE(decoded) << name(decoded.error);
  EXPECT_EQ(decoded.trailing_bytes, 0U);
  EXPECT_TRUE(decoded.message == message);
}

TEST(Golden, ApiVersionsResponse) {
  const ApiVersionsResponse response{.error_code = ErrorCode::none,
                                     .api_keys = {{ApiKey::produce, 0, 11}, {ApiKey::api_versions, 0, 3}},
                                     .throttle_time_ms = 0};
  expect_bytes(response, 0, "0000  00000002  0000 0000 000b  0012 0000 0003");
  expect_bytes(response, 1, "0000  00000002  0000 0000 000b  0012 0000 0003  00000000");
  expect_bytes(response, 3, "0000  03  0000 0000 000b 00  0012 0000 0003 00  00000000  00");
}

TEST(Golden, MetadataVersion1) {
  expect_bytes(MetadataRequest{}, 1, "ffffffff");
  MetadataRequest one;
  one.topics.emplace().push_back({.topic_id = {}, .name = "t"});
  expect_bytes(one, 1, "00000001 0001 74");

  MetadataResponse response;
  response.brokers.push_back({.node_id = 1, .host = "localhost", .port = 9092, .rack = {}});
  response.controller_id = 1;
  response.topics.push_back({.name = "t", .partitions = {{.leader_id = 1, .replica_nodes = {1}, .isr_nodes = {1}}}});
  expect_bytes(response, 1,
               "00000001 00000001 0009 6c6f63616c686f7374 00002384 ffff"  // broker: id, host, port, rack
               "00000001"                                                 // controller
               "00000001 0000 0001 74 00"                                 // topic: error, name, internal
               "00000001 0000 00000000 00000001"                          // partition: error, index, leader
               "00000001 00000001  00000001 00000001");                   // replicas, in sync
}

TEST(Golden, MetadataVersion12HasTopicIdsAndTags) {
  MetadataRequest request;
  Uuid id{};
  id.back() = 5;
  request.topics.emplace().push_back({.topic_id = id, .name = std::nullopt});
  request.allow_auto_topic_creation = false;
  expect_bytes(request, 12, "02 00000000000000000000000000000005 00 00  00 00 00");
}

TEST(Golden, ProduceVersion3And9) {
  const auto records = from_hex("aabbcc");
  ProduceRequest request{.acks = -1, .timeout_ms = 30'000};
  request.topics.push_back({.name = "t", .partitions = {{.index = 2, .records = BytesView(records)}}});
  expect_bytes(request, 3, "ffff ffff 00007530  00000001 0001 74  00000001 00000002 00000003 aabbcc");
  expect_bytes(request, 9, "00 ffff 00007530  02 02 74  02 00000002 04 aabbcc 00  00 00");
}

TEST(Golden, TaggedFieldsOfProduceVersion10) {
  ProduceResponse response;
  response.topics.push_back({.name = "t", .partitions = {{.error_code = ErrorCode::not_leader_or_follower}}});
  response.topics[0].partitions[0].current_leader = CurrentLeader{.leader_id = 1, .leader_epoch = 2};
  const std::string partition = "00000000 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff 01 00";
  expect_bytes(response, 10, "02 02 74 02" + partition + "01 00 09 00000001 00000002 00  00  00000000 00");
  response.node_endpoints.push_back({.node_id = 1, .host = "h", .port = 9092, .rack = {}});
  expect_bytes(response, 10,
               "02 02 74 02" + partition + "01 00 09 00000001 00000002 00  00  00000000" +
                   "01 00 0d 02 00000001 02 68 00002384 00 00");
}

TEST(Golden, FetchVersion4And12) {
  FetchRequest request{.max_wait_ms = 500, .min_bytes = 1, .max_bytes = 1024};
  request.topics.push_back(
      {.topic = "t", .topic_id = {}, .partitions = {{.fetch_offset = 7, .partition_max_bytes = 512}}});
  expect_bytes(request, 4,
               "ffffffff 000001f4 00000001 00000400 00"
               "00000001 0001 74 00000001 00000000 0000000000000007 00000200");
  expect_bytes(request, 12,
               "ffffffff 000001f4 00000001 00000400 00 00000000 ffffffff"
               "02 02 74 02 00000000 ffffffff 0000000000000007 ffffffff ffffffffffffffff 00000200 00 00"
               "01 01 00");
}

TEST(Golden, JoinGroupVersion0) {
  const auto metadata = from_hex("0001");
  JoinGroupRequest request{.group_id = "g", .session_timeout_ms = 10'000, .member_id = "", .protocol_type = "consumer"};
  request.protocols.push_back({.name = "range", .metadata = BytesView(metadata)});
  expect_bytes(request, 0, "0001 67 00002710 0000 0008 636f6e73756d6572 00000001 0005 72616e6765 00000002 0001");
}

// Null is not allowed there before v7, so nothing is said as "".
TEST(Golden, JoinGroupResponseWithoutAProtocol) {
  JoinGroupResponse response{.error_code = ErrorCode::member_id_required, .member_id = "m"};
  EXPECT_EQ(to_hex(encode(response, ApiVersion{4})),
            "00000000"
            "004f"
            "ffffffff"
            "0000"
            "0000"
            "00016d"
            "00000000");
  EXPECT_EQ(to_hex(encode(response, ApiVersion{7})),
            "00000000"
            "004f"
            "ffffffff"
            "00"
            "00"
            "01"
            "026d"
            "01"
            "00");
}

}  // namespace
}  // namespace broker::protocol
