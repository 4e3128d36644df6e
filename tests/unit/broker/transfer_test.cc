// How long a frame may take.
#include "broker/net/transfer.h"

#include <gtest/gtest.h>

namespace broker_tests {
namespace {

using broker::net::Patience;
using broker::net::Time;
using broker::net::Transfer;
using std::chrono::seconds;

constexpr Patience kPatience{.stall = seconds(60), .rate_min_bytes = 16 << 10};

TEST(Transfer, NothingUnderWayIsNeverOverdue) {
  Transfer transfer;
  EXPECT_FALSE(transfer.overdue(Time(seconds(1'000'000)), kPatience));
  transfer.begin(Time(0), 100);
  transfer.end();
  EXPECT_FALSE(transfer.overdue(Time(seconds(1'000'000)), kPatience));
}

TEST(Transfer, SilenceEndsIt) {
  Transfer transfer;
  transfer.begin(Time(seconds(10)), 8 << 20);
  EXPECT_FALSE(transfer.overdue(Time(seconds(70)), kPatience));
  EXPECT_TRUE(transfer.overdue(Time(seconds(71)), kPatience));
  transfer.moved(Time(seconds(71)));
  EXPECT_FALSE(transfer.overdue(Time(seconds(131)), kPatience));
}

TEST(Transfer, ATrickleEndsToo) {
  Transfer transfer;
  transfer.begin(Time(0));
  transfer.expect(1 << 20);  // 64 s at the least rate
  for (int second = 1; second <= 124; ++second) {
    transfer.moved(Time(seconds(second)));
    ASSERT_FALSE(transfer.overdue(Time(seconds(second)), kPatience)) << second;
  }
  transfer.moved(Time(seconds(125)));
  EXPECT_TRUE(transfer.overdue(Time(seconds(125)), kPatience));
}

TEST(Transfer, OurOwnPauseIsNotThePeersTime) {
  Transfer transfer;
  transfer.begin(Time(seconds(0)), 1'000);
  transfer.waited_for_us(Time(seconds(10)), Time(seconds(500)));
  EXPECT_FALSE(transfer.overdue(Time(seconds(549)), kPatience));
  EXPECT_TRUE(transfer.overdue(Time(seconds(561)), kPatience));
}

}  // namespace
}  // namespace broker_tests
