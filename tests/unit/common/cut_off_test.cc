// What the kernel knows of a connection, and what follows from it. With real sockets: tests/unit/kafka/sockets_test.cc,
// tests/unit/pg/connection_test.cc.
#include "common/cut_off.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using common::is_cut_off;

tcp_info established(std::uint8_t repetitions, std::uint32_t last_ack_ms) {
  tcp_info info{};
  info.tcpi_state = TCP_ESTABLISHED;
  info.tcpi_retransmits = repetitions;
  info.tcpi_last_ack_recv = last_ack_ms;
  return info;
}

TEST(IsCutOff, SaysSoOfManyTriesThatNothingAnswered) {
  EXPECT_TRUE(is_cut_off(established(3, 1'400), 1h));
  EXPECT_TRUE(is_cut_off(established(9, 50'000), 1h));
}

TEST(IsCutOff, LeavesTheQuietTheSlowAndTheUnlucky) {
  EXPECT_FALSE(is_cut_off(established(0, 3'600'000), 1h)) << "nothing was sent for an hour";
  EXPECT_FALSE(is_cut_off(established(2, 700), 1h)) << "a packet or two got lost";
  EXPECT_FALSE(is_cut_off(established(5, 300), 1h)) << "it does not take what we send, but it is there";
  tcp_info closing = established(9, 50'000);
  closing.tcpi_state = TCP_FIN_WAIT1;
  EXPECT_FALSE(is_cut_off(closing, 1h)) << "ended already";
}

TEST(IsCutOff, GivesAHandshakeMoreThanASecond) {
  tcp_info info{};
  info.tcpi_state = TCP_SYN_SENT;
  EXPECT_FALSE(is_cut_off(info, 1'200ms)) << "the first repetition comes after a second";
  EXPECT_TRUE(is_cut_off(info, 2s)) << "the second one may come after three";
  info.tcpi_state = TCP_CLOSE;
  EXPECT_FALSE(is_cut_off(info, 1h)) << "not connecting yet";
}

TEST(IsCutOff, SaysNothingOfOtherDescriptors) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(is_cut_off(ends[0], 1h));
  close(ends[0]);
  close(ends[1]);
  EXPECT_FALSE(is_cut_off(-1, 1h));
}

}  // namespace
