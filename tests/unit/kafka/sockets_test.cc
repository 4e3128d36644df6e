// Connections whose packets are lost are ended, slow peers' are not; and the publisher's clients live by it.
#include "relay/kafka/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

#include "relay/kafka/kafka_publisher.h"
#include "tests/support/net.h"
#include "tests/support/packet_loss.h"
#include "tests/unit/kafka/mock_cluster.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using testing::make_row;
using testing::MockCluster;
using testing::Outcomes;

// A socket of ours on its way to a port of this machine.
struct Client {
  explicit Client(std::uint16_t port) : fd(sockets.open(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int done = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    connecting = done != 0 && errno == EINPROGRESS;
  }
  ~Client() {
    if (fd >= 0) (void)sockets.close(fd);
  }
  [[nodiscard]] bool hung_up() const {
    pollfd look{fd, POLLIN | POLLOUT, 0};
    return ::poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
  }
  Sockets sockets;
  int fd;
  bool connecting = false;
};

TEST(Sockets, EndAnAttemptThatNobodyAnswers) {
  if (!test_support::can_lose_packets()) GTEST_SKIP() << test_support::kNoPacketLoss;
  const test_support::Hole hole;
  Client client(hole.port());
  ASSERT_TRUE(client.connecting);
  EXPECT_EQ(client.sockets.end_cut_off(100s), 0) << "its age counts from the first look";
  EXPECT_EQ(client.sockets.end_cut_off(101s), 0);
  EXPECT_FALSE(client.hung_up());
  EXPECT_EQ(client.sockets.end_cut_off(102s), 1);
  EXPECT_TRUE(client.hung_up());
  EXPECT_EQ(client.sockets.end_cut_off(200s), 0) << "once is enough";
}

TEST(Sockets, ForgetWhatWasClosed) {
  if (!test_support::can_lose_packets()) GTEST_SKIP() << test_support::kNoPacketLoss;
  const test_support::Hole hole;
  Client client(hole.port());
  client.sockets.end_cut_off(100s);
  const int number = std::exchange(client.fd, -1);
  EXPECT_EQ(client.sockets.close(number), 0);
  Client other(hole.port());  // takes the number, and is not ours to end
  ASSERT_EQ(other.fd, number);
  EXPECT_EQ(client.sockets.end_cut_off(200s), 0);
  EXPECT_FALSE(other.hung_up());
}

// The records would lie there until librdkafka's own minute is over.
TEST(Publisher, DeliversOverANewConnectionWhenTheOldOnesPacketsAreLost) {
  if (!test_support::can_lose_packets()) GTEST_SKIP() << test_support::kNoPacketLoss;
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.get(), "orders", 1, 1);
  PublisherConfig config;
  config.source = "shop";
  config.bootstrap_servers = cluster.bootstrap_servers();
  const common::SystemClock clock;
  Outcomes outcomes;
  std::deque<core::Row> rows;
  KafkaPublisher publisher(config, clock);
  publisher.on_outcomes(outcomes.handler());
  publisher.rebuild(core::Epoch(1));
  const auto put = [&](int id) {
    rows.push_back(make_row(id, "orders", "key", "x"));
    ASSERT_EQ(publisher.enqueue(rows.back(), core::Lane::main), core::Enqueued::accepted);
  };
  put(1);
  ASSERT_TRUE(outcomes.wait_for(1));
  const std::string servers = cluster.bootstrap_servers();
  const auto port = static_cast<std::uint16_t>(std::stoi(servers.substr(servers.rfind(':') + 1)));
  ASSERT_GE(test_support::lose_packets_of_accepted(port), 1);
  put(2);
  ASSERT_TRUE(outcomes.wait_for(2));
  EXPECT_EQ(outcomes.count(core::Scope::none), 2U);
}

}  // namespace
}  // namespace relay::kafka
