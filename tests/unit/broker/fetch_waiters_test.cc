// Who waits for data: woken once, in the order in which they came, never late.
#include "broker/core/fetch_waiters.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace broker_tests {
namespace {

namespace core = broker::core;
namespace storage = broker::storage;
using std::chrono::milliseconds;

storage::PartitionRef partition(int index) { return {storage::TopicId{7}, storage::PartitionIndex(index)}; }

class FetchWaitersTest : public testing::Test {
 protected:
  // Answers when its time is over, or when `takes` says so.
  core::WaiterId add(const std::string& name, const std::vector<int>& of, milliseconds wait, bool takes = true) {
    std::vector<storage::PartitionRef> refs;
    refs.reserve(of.size());
    for (const int index : of) refs.push_back(partition(index));
    return waiters.add(refs, now, wait, [this, name, takes](bool time_over) {
      said.push_back(name + (time_over ? " over" : " moved"));
      return time_over || takes;
    });
  }
  void pass(milliseconds time) {
    now += time;
    waiters.advance(now);
  }
  std::vector<std::string> take() { return std::exchange(said, {}); }
  using Said = std::vector<std::string>;

  // Public, so that they need no accessors: tests are about them.
 public:
  core::FetchWaiters waiters;
  core::Time now{std::chrono::hours(1)};
  std::vector<std::string> said;
};

TEST_F(FetchWaitersTest, WakesThoseOfThePartitionsThatMovedOnceAndInOrder) {
  add("a", {1, 2}, milliseconds(500));
  add("b", {2}, milliseconds(500), false);
  add("c", {3}, milliseconds(500));
  waiters.advanced({partition(2), partition(1), partition(4)});
  EXPECT_EQ(take(), (Said{"a moved", "b moved"}));
  EXPECT_EQ(waiters.size(), 2U);  // b was not answered
  waiters.advanced({partition(2), partition(3)});
  EXPECT_EQ(take(), (Said{"b moved", "c moved"}));
}

TEST_F(FetchWaitersTest, AskedForTwiceAPartitionWakesOnce) {
  const auto id = add("a", {1, 1}, milliseconds(500), false);
  waiters.advanced({partition(1)});
  EXPECT_EQ(take(), Said{"a moved"});
  waiters.cancel(id);
  waiters.advanced({partition(1)});
  EXPECT_EQ(take(), Said{});
}

TEST_F(FetchWaitersTest, NobodyWaitsBeyondHisTime) {
  add("a", {1}, milliseconds(500));
  add("b", {1}, milliseconds(20));
  EXPECT_EQ(waiters.next_deadline(), now + milliseconds(20));
  pass(milliseconds(19));
  EXPECT_EQ(take(), Said{});
  pass(milliseconds(1));
  EXPECT_EQ(take(), Said{"b over"});
  EXPECT_EQ(waiters.next_deadline(), now + milliseconds(480));
  pass(milliseconds(480));
  EXPECT_EQ(take(), Said{"a over"});
  EXPECT_FALSE(waiters.next_deadline());
}

TEST_F(FetchWaitersTest, GoesALittleEarlyOnlyWithAnotherOnes) {
  add("a", {1}, milliseconds(500));
  now += milliseconds(5);
  add("b", {2}, milliseconds(500));  // may go 7.8 ms early
  now += milliseconds(5);
  add("c", {3}, milliseconds(500));
  pass(milliseconds(489));
  EXPECT_EQ(take(), Said{});  // nobody's time is over
  pass(milliseconds(1));
  EXPECT_EQ(take(), (Said{"a over", "b over"}));
  pass(milliseconds(10));
  EXPECT_EQ(take(), Said{"c over"});
}

TEST_F(FetchWaitersTest, ShortWaitsAreNotCutToNothing) {
  add("long", {1}, milliseconds(1'000));
  pass(milliseconds(996));
  for (int i = 0; i < 3; ++i) add("short", {2}, milliseconds(10));
  pass(milliseconds(4));
  EXPECT_EQ(take(), Said{"long over"});
  pass(milliseconds(6));
  EXPECT_EQ(take().size(), 3U);
}

TEST_F(FetchWaitersTest, AnAttemptMayCancelItselfAndAddAnother) {
  core::WaiterId self;
  self = waiters.add({partition(1)}, now, milliseconds(100), [&](bool) {
    waiters.cancel(self);
    add("next", {1}, milliseconds(100));
    return true;
  });
  waiters.advanced({partition(1)});
  EXPECT_EQ(waiters.size(), 1U);
  waiters.advanced({partition(1)});
  EXPECT_EQ(take(), Said{"next moved"});
}

TEST_F(FetchWaitersTest, AnAnswerMayCancelTheNextOnes) {
  core::WaiterId second;
  waiters.add({partition(1)}, now, milliseconds(100), [&](bool) {
    waiters.cancel(second);
    return true;
  });
  second = add("second", {1}, milliseconds(100));
  add("third", {1}, milliseconds(100));
  waiters.advanced({partition(1)});
  EXPECT_EQ(take(), Said{"third moved"});
}

TEST_F(FetchWaitersTest, TheEndAnswersAll) {
  for (int i = 0; i < 10; ++i) add("a", {i % 3, 5}, milliseconds(100 + i));
  waiters.end_all();
  EXPECT_EQ(take().size(), 10U);
  EXPECT_EQ(waiters.size(), 0U);
  waiters.advanced({partition(5)});
  EXPECT_EQ(take(), Said{});
}

}  // namespace
}  // namespace broker_tests
