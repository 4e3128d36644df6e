// The API table, what ApiVersions says of it, and the headers that follow from it.
#include "broker/protocol/api_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "broker/protocol/error_code.h"
#include "broker/protocol/headers.h"
#include "broker/protocol/metadata.h"
#include "tests/unit/protocol/hex.h"

namespace broker::protocol {
namespace {

constexpr ApiKey kUnheardOf{4'711};

TEST(ApiTable, HasEveryKeyOnceAndSaneVersions) {
  EXPECT_TRUE(std::ranges::is_sorted(api_table(), std::ranges::less_equal{}, &ApiEntry::key));
  for (const ApiEntry& api : api_table()) {
    SCOPED_TRACE(std::string(api.name));
    EXPECT_GE(api.min_advertised, 0);
    EXPECT_LE(api.min_advertised, api.min_served);
    EXPECT_LE(api.min_served, api.max);
    EXPECT_EQ(find_api(api.key), &api);
  }
}

// What Debian 12's librdkafka looks for in our ranges before it uses a feature.
TEST(ApiTable, CoversWhatLibrdkafkaAsksFor) {
  struct Needed {
    ApiKey key;
    std::int16_t min;
    std::int16_t max;
  };
  for (const Needed& needed : std::vector<Needed>{{ApiKey::produce, 0, 7},
                                                  {ApiKey::fetch, 4, 10},
                                                  {ApiKey::list_offsets, 1, 1},
                                                  {ApiKey::find_coordinator, 0, 0},
                                                  {ApiKey::offset_commit, 2, 2},
                                                  {ApiKey::offset_fetch, 1, 1},
                                                  {ApiKey::join_group, 0, 0},
                                                  {ApiKey::sync_group, 0, 0},
                                                  {ApiKey::heartbeat, 0, 0},
                                                  {ApiKey::leave_group, 0, 0},
                                                  {ApiKey::init_producer_id, 0, 0},
                                                  {ApiKey::api_versions, 0, 0}}) {
    const ApiEntry* api = find_api(needed.key);
    ASSERT_NE(api, nullptr) << static_cast<int>(needed.key);
    EXPECT_LE(api->min_advertised, needed.min) << api->name;
    EXPECT_GE(api->max, needed.max) << api->name;
  }
}

TEST(ApiTable, TellsWhatBecomesOfARequest) {
  EXPECT_EQ(service_of(ApiKey::produce, ApiVersion{2}), Service::refused_in_words);
  EXPECT_EQ(service_of(ApiKey::produce, ApiVersion{3}), Service::served);
  EXPECT_EQ(service_of(ApiKey::produce, ApiVersion{11}), Service::served);
  EXPECT_EQ(service_of(ApiKey::produce, ApiVersion{12}), Service::unknown);
  EXPECT_EQ(service_of(ApiKey::produce, ApiVersion{-1}), Service::unknown);
  EXPECT_EQ(service_of(ApiKey::fetch, ApiVersion{3}), Service::unknown);
  EXPECT_EQ(service_of(ApiKey::api_versions, ApiVersion{3}), Service::served);
  EXPECT_EQ(service_of(ApiKey::api_versions, ApiVersion{4}), Service::api_versions_v0);
  EXPECT_EQ(service_of(kUnheardOf, ApiVersion{0}), Service::unknown);
  EXPECT_EQ(find_api(kUnheardOf), nullptr);
  EXPECT_FALSE(is_flexible(kUnheardOf, ApiVersion{100}));
}

TEST(ApiTable, AnswersApiVersionsWithItself) {
  const ApiVersionsResponse response = api_versions_response();
  EXPECT_EQ(response.error_code, ErrorCode::none);
  ASSERT_EQ(response.api_keys.size(), api_table().size());
  for (std::size_t index = 0; index < response.api_keys.size(); ++index) {
    EXPECT_EQ(response.api_keys[index].key, api_table()[index].key);
    EXPECT_EQ(response.api_keys[index].min_version, api_table()[index].min_advertised);
    EXPECT_EQ(response.api_keys[index].max_version, api_table()[index].max);
  }
}

TEST(ApiTable, RefusesUnknownApiVersionsWithAVersion0Body) {
  EXPECT_EQ(to_hex(encode_response(api_versions_unsupported(), ApiVersion{0}, CorrelationId{7})),
            "00000010"  // length
            "00000007"  // correlation id, header v0
            "0023"      // error 35
            "00000001"  // one API
            "0012"      // 18
            "0000"      // from 0
            "0003");    // to 3
}

TEST(Headers, ReadsVersion1AndVersion2) {
  const auto classic = from_hex("0003 0001 00000005 0004 6b636174 ffffffff");
  const DecodedHeader first = decode_request_header(classic);
  ASSERT_TRUE(first);
  EXPECT_EQ(first.header.key, ApiKey::metadata);
  EXPECT_EQ(first.header.version, ApiVersion{1});
  EXPECT_EQ(first.header.correlation, CorrelationId{5});
  EXPECT_EQ(first.header.client_id, "kcat");
  EXPECT_EQ(first.size, 14U);

  const auto flexible = from_hex("0003 0009 00000005 ffff 02 00 03 010203 05 00 ff");
  const DecodedHeader second = decode_request_header(flexible);
  ASSERT_TRUE(second);
  EXPECT_EQ(second.header.client_id, std::nullopt);
  EXPECT_EQ(second.size, flexible.size() - 1);
}

TEST(Headers, NamesWhatItCouldReadOfADamagedOne) {
  const auto bytes = from_hex("0003 0009 00000005 7fff 00");
  const DecodedHeader decoded = decode_request_header(bytes);
  EXPECT_EQ(decoded.error, DecodeError::truncated);
  EXPECT_EQ(decoded.header.key, ApiKey::metadata);
  EXPECT_EQ(decoded.header.correlation, CorrelationId{5});
}

TEST(Headers, RefusesAFloodOfTags) {
  auto bytes = from_hex("0003 0009 00000005 ffff 41");
  bytes.resize(bytes.size() + 200);
  EXPECT_EQ(decode_request_header(bytes).error, DecodeError::too_many_tags);
}

TEST(Headers, ChoosesTheResponsesHeader) {
  EXPECT_EQ(response_header_size(ApiKey::metadata, ApiVersion{8}), 4U);
  EXPECT_EQ(response_header_size(ApiKey::metadata, ApiVersion{9}), 5U);
  EXPECT_EQ(response_header_size(ApiKey::api_versions, ApiVersion{3}), 4U);
}

TEST(Headers, ReadsWhatEncodeRequestWrote) {
  for (const std::int16_t version : {std::int16_t{8}, std::int16_t{9}}) {
    const auto frame = encode_request(MetadataRequest{}, ApiVersion{version}, CorrelationId{99}, "tester");
    const auto rest = std::span<const std::byte>(frame).subspan(kFrameLengthBytes);
    const DecodedHeader decoded = decode_request_header(rest);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded.header, (RequestHeader{ApiKey::metadata, ApiVersion{version}, CorrelationId{99}, "tester"}));
    EXPECT_TRUE(decode<MetadataRequest>(rest.subspan(decoded.size), ApiVersion{version}));
  }
}

TEST(ErrorCode, HasNamesAndKnowsWhatClientsRetry) {
  EXPECT_EQ(name(ErrorCode::not_leader_or_follower), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(name(ErrorCode{1'234}), "UNKNOWN");
  EXPECT_TRUE(retriable(ErrorCode::not_leader_or_follower));
  EXPECT_FALSE(retriable(ErrorCode::message_too_large));
  EXPECT_FALSE(retriable(ErrorCode::none));
}

}  // namespace
}  // namespace broker::protocol
