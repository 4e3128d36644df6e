// The program: its start, its refusals, its end, and what it does with clients that speak nonsense.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "broker/protocol/api_versions.h"
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
using test_support::BrokerProcess;
using test_support::free_port;
using test_support::loopback;
using test_support::program;
using test_support::run;
using test_support::wait_until;

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::vector<std::byte> length_only(std::uint32_t length) {
  return {std::byte(length >> 24), std::byte(length >> 16), std::byte(length >> 8), std::byte(length)};
}

protocol::MetadataRequest metadata(const std::string& topic) {
  protocol::MetadataRequest request;
  request.topics.emplace();
  request.topics->push_back({{}, topic});
  return request;
}

bool answers(const BrokerProcess& broker) {
  WireClient client(broker.port());
  const auto response = client.call<protocol::MetadataResponse>(metadata("alive"), 4);
  return response && response->topics.at(0).error_code == ErrorCode::none;
}

test_support::RunResult run_broker(const BrokerProcess& beside, std::vector<std::string> flags) {
  std::vector<std::string> argv{program("outbox-broker").string(), "--admin-listen", loopback(free_port())};
  argv.insert(argv.end(), flags.begin(), flags.end());
  (void)beside;
  return run(argv);
}

TEST(BrokerProgram, SaysOneReadyLineAndEndsCleanlyOnSigterm) {
  BrokerProcess broker;
  EXPECT_TRUE(answers(broker));
  const auto exit = broker.terminate();
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(count_of(broker.log(), "ready: listening on " + broker.address()), 1U);
  EXPECT_NE(broker.log().find("stopped cleanly"), std::string::npos);
  broker.start();
  EXPECT_TRUE(answers(broker));
}

TEST(BrokerProgram, AnswersWhatWaitsBeforeItEnds) {
  BrokerProcess broker;
  WireClient client(broker.port());
  ASSERT_TRUE(client.call<protocol::MetadataResponse>(metadata("t"), 4));
  ASSERT_TRUE(client.send(fetch_of({.wait_ms = 60'000}), 11));
  ASSERT_TRUE(wait_until([&] {
    const auto metrics = test_support::http_get(broker.admin_port(), "/metrics");
    return metrics && metrics->body.find("broker_waiting_fetches 1") != std::string::npos;
  }));
  broker.signal(SIGTERM);
  const auto response = client.receive_message<protocol::FetchResponse>(11);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(broker.process().wait()->code, 0);
}

TEST(BrokerProgram, RefusesAFolderThatAnotherOneHas) {
  BrokerProcess broker;
  const auto second = run_broker(broker, {"--data-dir", broker.data_dir().string(), "--listen", loopback(free_port())});
  EXPECT_NE(second.exit.code, 0);
  EXPECT_NE(second.error_output.find(broker.data_dir().string()), std::string::npos) << second.error_output;
  EXPECT_TRUE(answers(broker));
}

TEST(BrokerProgram, RefusesAPortThatIsTakenAndNamesIt) {
  BrokerProcess broker;
  test_support::TempDir other;
  const auto second = run_broker(broker, {"--data-dir", (other / "d").string(), "--listen", broker.address()});
  EXPECT_EQ(second.exit.code, 1);
  EXPECT_NE(second.error_output.find(broker.address()), std::string::npos) << second.error_output;
  EXPECT_EQ(count_of(second.error_output, "outbox-broker: "), 1U) << second.error_output;
}

TEST(BrokerProgram, ListensBeyondLoopbackOnlyWhenToldTwice) {
  test_support::TempDir folder;
  const auto listen = "0.0.0.0:" + std::to_string(free_port());
  const auto refused = run({program("outbox-broker").string(), "--data-dir", (folder / "d").string(), "--listen",
                            listen, "--admin-listen", loopback(free_port())});
  EXPECT_EQ(refused.exit.code, 78);
  EXPECT_NE(refused.error_output.find("--insecure"), std::string::npos) << refused.error_output;
  const auto nowhere = run({program("outbox-broker").string(), "--data-dir", (folder / "d").string(), "--listen",
                            listen, "--insecure", "--admin-listen", loopback(free_port())});
  EXPECT_EQ(nowhere.exit.code, 78);
  EXPECT_NE(nowhere.error_output.find("--advertise"), std::string::npos) << nowhere.error_output;
  BrokerProcess broker({.data_dir = {}, .flags = {"--insecure"}, .executable = {}});
  EXPECT_TRUE(answers(broker));
}

TEST(BrokerProgram, UsageAndConfigurationErrorsHaveTheirExitCodes) {
  EXPECT_EQ(run({program("outbox-broker").string(), "--no-such-flag"}).exit.code, 64);
  EXPECT_EQ(run({program("outbox-broker").string(), "--config", "/no/such/file"}).exit.code, 78);
  EXPECT_EQ(run({program("outbox-broker").string(), "--listen", "nonsense"}).exit.code, 78);
  const auto version = run({program("outbox-broker").string(), "--version"});
  EXPECT_EQ(version.exit.code, 0);
  EXPECT_NE(version.output.find("outbox-broker"), std::string::npos);
}

TEST(BrokerProgram, HealthPagesAnswer) {
  BrokerProcess broker;
  for (const auto* page : {"/livez", "/readyz", "/statusz", "/metrics"}) {
    const auto answer = test_support::http_get(broker.admin_port(), page);
    ASSERT_TRUE(answer) << page;
    EXPECT_EQ(answer->status, 200) << page;
  }
  const auto status = test_support::http_get(broker.admin_port(), "/statusz");
  EXPECT_NE(status->body.find("\"cluster_id\":\"outbox-"), std::string::npos) << status->body;
}

TEST(BrokerProgram, ClusterIdStaysAndTopicsOutliveAKill) {
  BrokerProcess broker;
  const auto ask = [&] { return WireClient(broker.port()).call<protocol::MetadataResponse>(metadata("t"), 12); };
  const auto before = ask();
  ASSERT_TRUE(before);
  broker.kill();
  broker.start();
  const auto after = ask();
  ASSERT_TRUE(after);
  EXPECT_EQ(before->cluster_id, after->cluster_id);
  EXPECT_EQ(before->topics.at(0).topic_id, after->topics.at(0).topic_id);
  EXPECT_GT(after->topics.at(0).partitions.at(0).leader_epoch, before->topics.at(0).partitions.at(0).leader_epoch)
      << "an unclean start is a new epoch";
}

TEST(BadClients, FramesBeyondTheLimitCloseTheConnectionWithOneLine) {
  BrokerProcess broker;
  for (const std::uint32_t length : {(8U << 20) + 1, 0x7fffffffU, 0xffffffffU, 0U, 7U}) {
    WireClient client(broker.port());
    ASSERT_TRUE(client.send(length_only(length)));
    EXPECT_TRUE(client.closed()) << length;
  }
  EXPECT_EQ(count_of(broker.log(), "connection closed"), 5U) << broker.log();
  EXPECT_TRUE(answers(broker));
}

TEST(BadClients, UnknownApisAndGarbageCloseTheConnectionWithOneLine) {
  BrokerProcess broker;
  {
    WireClient client(broker.port());
    auto request = protocol::encode_request(metadata("t"), protocol::ApiVersion(4), protocol::CorrelationId(1), "c");
    request[5] = std::byte{99};  // the API key
    ASSERT_TRUE(client.send(request));
    EXPECT_TRUE(client.closed());
  }
  {
    WireClient client(broker.port());
    auto bytes = length_only(500);
    bytes.resize(504, std::byte{0x5a});
    ASSERT_TRUE(client.send(bytes));
    EXPECT_TRUE(client.closed());
  }
  {
    WireClient http(broker.port());
    const std::string get = "GET / HTTP/1.1\r\nHost: broker\r\n\r\n";
    ASSERT_TRUE(http.send(std::as_bytes(std::span(get))));
    EXPECT_TRUE(http.closed());
  }
  EXPECT_EQ(count_of(broker.log(), "connection closed"), 3U) << broker.log();
  EXPECT_TRUE(answers(broker));
}

TEST(BadClients, ApiVersionsBeyondOursIsAnsweredInVersionZero) {
  BrokerProcess broker;
  WireClient client(broker.port());
  auto request = protocol::encode_request(protocol::ApiVersionsRequest{}, protocol::ApiVersion(3),
                                          protocol::CorrelationId(9), "c");
  request[7] = std::byte{5};  // the version: what franz-go opens with
  ASSERT_TRUE(client.send(request));
  const auto response = client.receive_message<protocol::ApiVersionsResponse>(0);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, ErrorCode::unsupported_version);
  ASSERT_EQ(response->api_keys.size(), 1U);
  EXPECT_TRUE(client.call<protocol::ApiVersionsResponse>(protocol::ApiVersionsRequest{}, 3))
      << "on the same connection";
}

TEST(BadClients, HalfAFrameDisturbsNobody) {
  BrokerProcess broker;
  std::vector<std::unique_ptr<WireClient>> half;
  const auto request =
      protocol::encode_request(metadata("t"), protocol::ApiVersion(4), protocol::CorrelationId(1), "c");
  for (std::size_t bytes = 1; bytes < request.size(); bytes += 3) {
    half.push_back(std::make_unique<WireClient>(broker.port()));
    ASSERT_TRUE(half.back()->send(std::span(request).first(bytes)));
  }
  EXPECT_TRUE(answers(broker));
  // The other half comes after all.
  ASSERT_TRUE(half.front()->send(std::span(request).subspan(1)));
  EXPECT_TRUE(half.front()->receive_message<protocol::MetadataResponse>(4));
}

TEST(BadClients, MoreConnectionsThanThereMayBeAreRefused) {
  const test_support::TempDir folder;
  std::ofstream(folder / "broker.toml") << "[limits]\nconnections = 8\nconnections_per_address = 1\n";
  BrokerProcess broker({.data_dir = {}, .flags = {"--config", (folder / "broker.toml").string()}, .executable = {}});
  const auto is_served = [&broker] {
    WireClient client(broker.port());
    return client.call<protocol::MetadataResponse>(metadata("t"), 4).has_value();
  };
  std::vector<std::unique_ptr<WireClient>> others;
  // Everything of this machine has the loopback's address: no limit of one.
  while (others.size() < 8) {
    others.push_back(std::make_unique<WireClient>(broker.port()));
    ASSERT_TRUE(others.back()->call<protocol::MetadataResponse>(metadata("t"), 4));
  }
  EXPECT_FALSE(is_served());
  others.pop_back();
  EXPECT_TRUE(wait_until(is_served));
}

TEST(Connections, AnswersKeepTheOrderOfPipelinedRequests) {
  BrokerProcess broker;
  WireClient client(broker.port());
  ASSERT_TRUE(client.call<protocol::MetadataResponse>(metadata("t"), 4));
  const auto records = protocol::plain_batch(2, 100);
  protocol::ProduceRequest produce;
  produce.acks = -1;
  produce.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
  constexpr int kRequests = 200;
  for (int i = 0; i < kRequests; ++i) {
    if (i % 2 == 0) {
      ASSERT_TRUE(client.send(produce, 7, i));
    } else {
      ASSERT_TRUE(client.send(metadata("t"), 4, i));
    }
  }
  for (int i = 0; i < kRequests; ++i) {
    if (i % 2 == 0) {
      const auto response = client.receive_message<protocol::ProduceResponse>(7);
      ASSERT_TRUE(response) << i;
      EXPECT_EQ(response->topics.at(0).partitions.at(0).base_offset, i);
    } else {
      ASSERT_TRUE(client.receive_message<protocol::MetadataResponse>(4)) << i;
    }
  }
}

}  // namespace
}  // namespace broker_tests
