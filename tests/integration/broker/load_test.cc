// Clients that take and do not give: what they cost is bounded, and others are served beside them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "broker/protocol/fetch.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/net.h"
#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;

// Sanitizers keep shadows of memory, and memory that was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kSanitizerShare = 8;
#else
constexpr long kSanitizerShare = 1;
#endif

long resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

protocol::FetchRequest fetch_all(int wait_ms) { return fetch_of({.wait_ms = wait_ms, .bytes_max = 50 << 20}); }

protocol::ErrorCode produce(WireClient& client, const std::vector<std::byte>& records) {
  protocol::ProduceRequest request;
  request.acks = -1;
  request.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
  const auto response = client.call<protocol::ProduceResponse>(request, 7);
  return response ? response->topics.at(0).partitions.at(0).error_code : ErrorCode::network_exception;
}

void make_topic(WireClient& client) {
  protocol::MetadataRequest topics;
  topics.topics.emplace();
  topics.topics->push_back({{}, "t"});
  ASSERT_TRUE(client.call<protocol::MetadataResponse>(topics, 4));
}

TEST(Load, ConsumersThatDoNotReadCostBoundedMemoryAndStarveNobody) {
  test_support::TempDir folder;
  std::ofstream(folder / "broker.toml") << "[limits]\nin_flight = \"16MiB\"\n";
  test_support::BrokerProcess broker(
      {.data_dir = {}, .flags = {"--config", (folder / "broker.toml").string()}, .executable = {}});
  WireClient client(broker.port());
  make_topic(client);
  const auto megabyte = protocol::plain_batch(100, 10'000);
  for (int i = 0; i < 16; ++i) ASSERT_EQ(produce(client, megabyte), ErrorCode::none);

  std::vector<std::unique_ptr<WireClient>> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(std::make_unique<WireClient>(broker.port()));
    for (int request = 0; request < 20; ++request) ASSERT_TRUE(slow.back()->send(fetch_all(100), 11));
  }
  // One in flight limit's worth of answers lies there unread, and still everybody else is served.
  ASSERT_TRUE(test_support::wait_until([&] {
    const auto metrics = test_support::http_get(broker.admin_port(), "/metrics");
    if (!metrics) return false;
    const auto at = metrics->body.find("\nbroker_in_flight_bytes ");
    return at != std::string::npos && std::stod(metrics->body.substr(at + 24)) > (16 << 20);
  }));
  EXPECT_EQ(produce(client, protocol::plain_batch(1, 100)), ErrorCode::none);
  EXPECT_TRUE(test_support::wait_until([&] {
    const auto response = client.call<protocol::FetchResponse>(fetch_all(100), 11);
    return response && !response->topics.at(0).partitions.at(0).records->empty();
  }));
  // Twice the limit, an answer or two on top, and the program itself.
  EXPECT_LT(resident_kib(broker.process().pid()), (96 << 10) * kSanitizerShare);
}

TEST(Load, TenThousandIdleConnectionsCostLittleAndDisturbNobody) {
  constexpr std::size_t kConnections = 10'000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 2 * kConnections) GTEST_SKIP() << "processes may open only " << limit.rlim_max << " files here";
  test_support::BrokerProcess broker;
  WireClient client(broker.port());
  make_topic(client);
  EXPECT_EQ(produce(client, protocol::plain_batch(1, 100)), ErrorCode::none);
  const long before = resident_kib(broker.process().pid());
  std::vector<std::unique_ptr<WireClient>> idle;
  idle.reserve(kConnections);
  for (std::size_t i = 0; i < kConnections; ++i) idle.push_back(std::make_unique<WireClient>(broker.port()));
  // The last one is served, so all are.
  EXPECT_EQ(produce(*idle.back(), protocol::plain_batch(1, 100)), ErrorCode::none);
  EXPECT_EQ(produce(client, protocol::plain_batch(1, 100)), ErrorCode::none);
  const long kib = resident_kib(broker.process().pid()) - before;
  RecordProperty("bytes_per_connection", static_cast<int>(kib * 1024 / static_cast<long>(kConnections)));
  EXPECT_LT(kib, 4 * static_cast<long>(kConnections) * kSanitizerShare);
}

}  // namespace
}  // namespace broker_tests
