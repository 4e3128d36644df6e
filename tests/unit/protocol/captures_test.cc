// What real clients sent, byte for byte: decoded to the end, encoded again to the same bytes. Sources: captures/.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "broker/protocol/api_table.h"
#include "broker/protocol/headers.h"
#include "broker/protocol/record_batch.h"
#include "tests/unit/protocol/hex.h"
#include "tests/unit/protocol/messages.h"

namespace broker::protocol {
namespace {

using Requests =
    std::tuple<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
               OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest,
               SyncGroupRequest, ApiVersionsRequest, CreateTopicsRequest, InitProducerIdRequest, DescribeConfigsRequest,
               DeleteTopicsRequest, DeleteRecordsRequest, CreatePartitionsRequest, AlterConfigsRequest,
               IncrementalAlterConfigsRequest, DescribeGroupsRequest, ListGroupsRequest, DeleteGroupsRequest,
               OffsetDeleteRequest, OffsetForLeaderEpochRequest, DescribeClusterRequest>;

struct Capture {
  std::string title;  // "java-4.1.0: Produce v11"
  std::vector<std::byte> frame;
};

std::vector<Capture> read_captures() {
  const char* source = std::getenv("OUTBOX_SOURCE");
  const std::filesystem::path folder =
      std::filesystem::path(source != nullptr ? source : ".") / "tests/unit/protocol/captures";
  std::vector<Capture> captures;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("= ")) {
        captures.push_back({entry.path().stem().string() + ": " + line.substr(2), {}});
      } else if (!line.starts_with("#") && !captures.empty()) {
        const auto bytes = from_hex(line);
        captures.back().frame.insert(captures.back().frame.end(), bytes.begin(), bytes.end());
      }
    }
  }
  return captures;
}

// The captures, with the header of each decoded; those of versions beyond ours left out.
template <class Check>
std::size_t for_every_capture(Check check) {
  std::size_t checked = 0;
  for (const Capture& capture : read_captures()) {
    SCOPED_TRACE(capture.title);
    const auto rest = std::span<const std::byte>(capture.frame).subspan(kFrameLengthBytes);
    const DecodedHeader decoded = decode_request_header(rest);
    EXPECT_TRUE(decoded) << name(decoded.error);
    if (!decoded || service_of(decoded.header.key, decoded.header.version) != Service::served) continue;
    check(capture, decoded.header, rest.subspan(decoded.size));
    ++checked;
  }
  return checked;
}

template <class Request>
void expect_same_bytes(const Capture& capture, const RequestHeader& header, std::span<const std::byte> body) {
  if (Request::kKey != header.key) return;
  const auto decoded = decode<Request>(body, header.version);
  ASSERT_TRUE(decoded) << name(decoded.error);
  EXPECT_EQ(decoded.trailing_bytes, 0U);
  if (!header.client_id) {  // kafka-go; our own encoder always has one
    EXPECT_EQ(to_hex(encode(decoded.message, header.version)), to_hex(body));
    return;
  }
  const auto again = encode_request(decoded.message, header.version, header.correlation, *header.client_id);
  EXPECT_EQ(to_hex(again), to_hex(capture.frame));
}

TEST(Captures, DecodeToTheEndAndEncodeToTheSameBytes) {
  const auto checked = for_every_capture([](const Capture& capture, const RequestHeader& header, auto body) {
    const auto compare = [&](const auto&... request) {
      (expect_same_bytes<std::remove_cvref_t<decltype(request)>>(capture, header, body), ...);
    };
    std::apply(compare, Requests());
  });
  EXPECT_GE(checked, 90U) << "the captures are missing";
}

TEST(Captures, HoldEveryApi) {
  std::set<ApiKey> seen;
  for_every_capture([&](const Capture&, const RequestHeader& header, auto) { seen.insert(header.key); });
  for (const ApiEntry& api : api_table()) EXPECT_TRUE(seen.contains(api.key)) << api.name;
}

TEST(Captures, HoldGoodRecordBatches) {
  std::size_t batches = 0;
  for_every_capture([&](const Capture&, const RequestHeader& header, auto body) {
    if (header.key != ApiKey::produce) return;
    const auto decoded = decode<ProduceRequest>(body, header.version);
    ASSERT_TRUE(decoded);
    for (const ProduceTopic& topic : decoded.message.topics) {
      for (const ProducePartition& partition : topic.partitions) {
        ASSERT_TRUE(partition.records);
        const CheckedBatch checked = check_produced(partition.records->span(), 1 << 20);
        EXPECT_TRUE(checked) << name(checked.fault);
        EXPECT_GT(checked.max_timestamp_ms, 0);
        ++batches;
      }
    }
  });
  EXPECT_GE(batches, 7U);
}

}  // namespace
}  // namespace broker::protocol
