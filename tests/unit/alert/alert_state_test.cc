// The life of an alert, on a clock of numbers.
#include "relay/alert/alert_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using relay::alert::AlertState;
using relay::alert::Now;
using relay::core::AlertKey;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

Now at(std::chrono::nanoseconds steady) {
  return {steady, seconds(1'800'000'000) + std::chrono::duration_cast<std::chrono::microseconds>(steady)};
}

const AlertKey kDead{"shop", "orders", "dead_messages"};

}  // namespace

TEST(AlertState, WaitsForMoreOfItsKindBeforeItSpeaks) {
  AlertState state({seconds(10), hours(4)});
  state.raise(kDead, "first", 1, at(seconds(100)));
  EXPECT_EQ(state.next_due(), seconds(110));
  state.raise(kDead, "second", 2, at(seconds(105)));
  EXPECT_THAT(state.take_due(seconds(109)), IsEmpty());
  const auto due = state.take_due(seconds(110));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].key, kDead);
  EXPECT_FALSE(due[0].resolved);
  EXPECT_EQ(due[0].message, "second");
  EXPECT_EQ(due[0].rows, 3);
  EXPECT_EQ(due[0].starts_wall, at(seconds(100)).wall);
  EXPECT_THAT(state.take_due(seconds(111)), IsEmpty());
}

TEST(AlertState, RepeatsWhileItGoesOn) {
  AlertState state({seconds(10), hours(4)});
  state.raise(kDead, "x", 1, at(seconds(0)));
  EXPECT_THAT(state.take_due(seconds(10)), SizeIs(1));
  EXPECT_EQ(state.next_due(), seconds(10) + hours(4));
  state.raise(kDead, "x", 1, at(hours(1)));
  EXPECT_THAT(state.take_due(hours(4)), IsEmpty());
  const auto due = state.take_due(hours(4) + seconds(10));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].rows, 2);
}

TEST(AlertState, TellsThatItIsOverWithDurationAndRows) {
  AlertState state({seconds(10), hours(4)});
  state.raise(kDead, "x", 7, at(seconds(0)));
  (void)state.take_due(seconds(10));
  state.resolve(kDead, at(seconds(310)));
  EXPECT_THAT(state.active(), IsEmpty());
  ASSERT_TRUE(state.next_due().has_value());
  const auto due = state.take_due(seconds(310));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_TRUE(due[0].resolved);
  EXPECT_EQ(due[0].lasted, seconds(310));
  EXPECT_EQ(due[0].rows, 7);
  EXPECT_EQ(due[0].ends_wall, at(seconds(310)).wall);
  EXPECT_FALSE(state.next_due().has_value());
}

TEST(AlertState, SaysNothingOfWhatWasOverBeforeItSpoke) {
  AlertState state({seconds(10), hours(4)});
  state.raise(kDead, "x", 1, at(seconds(0)));
  state.resolve(kDead, at(seconds(5)));
  state.resolve(kDead, at(seconds(6)));
  EXPECT_THAT(state.take_due(seconds(100)), IsEmpty());
}

TEST(AlertState, BeginsAnewAfterItWasOver) {
  AlertState state({seconds(10), hours(4)});
  state.raise(kDead, "x", 1, at(seconds(0)));
  (void)state.take_due(seconds(10));
  state.resolve(kDead, at(seconds(20)));
  state.raise(kDead, "y", 1, at(seconds(21)));
  const auto due = state.take_due(seconds(22));
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_TRUE(due[0].resolved);
  EXPECT_EQ(state.next_due(), seconds(31));
  EXPECT_EQ(state.take_due(seconds(31)).at(0).rows, 1);
}

TEST(AlertState, KeepsSourcesTopicsAndErrorsApart) {
  AlertState state({seconds(0), hours(4)});
  for (const char* source : {"a", "b"}) {
    for (const char* topic : {"", "t"}) {
      for (const char* error : {"x", "y"}) state.raise({source, topic, error}, "m", 1, at(seconds(0)));
    }
  }
  EXPECT_THAT(state.take_due(seconds(0)), SizeIs(8));
  EXPECT_THAT(state.active(), SizeIs(8));
}

TEST(AlertState, StaysSmallInAFlood) {
  AlertState state({seconds(0), hours(4)});
  for (int i = 0; i < 5'000; ++i) {
    state.raise({"shop", "topic-" + std::to_string(i), "x"}, std::string(10'000, 'm'), 1, at(seconds(0)));
  }
  const auto active = state.active();
  ASSERT_THAT(active, SizeIs(1'001));
  EXPECT_EQ(active.front().topic, "_other");
  EXPECT_EQ(active.front().rows, 4'000);
  EXPECT_LT(active.front().message.size(), 520U);
}

TEST(AlertState, CutsNoCharacterThrough) {
  AlertState state({seconds(0), hours(4)});
  state.raise(kDead, std::string(499, 'x') + "éé", 1, at(seconds(0)));
  EXPECT_EQ(state.active().at(0).message, std::string(499, 'x') + "…");
}
