// What retention decides, from its inputs alone: segments, settings, commits, time.
#include "broker/core/retention_rule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/core/retention_clock.h"

namespace broker_tests {
namespace {

using namespace std::chrono_literals;
using broker::core::Consumed;
using broker::core::consumed_of;
using broker::core::counting_groups;
using broker::core::decide_retention;
using broker::core::RetentionCase;
using broker::core::RetentionClock;
using broker::core::SegmentSums;
using broker::core::State;
namespace storage = broker::storage;
using storage::Offset;

// Ten records and 100 bytes each; the first was written to last at 1,000 ms, the next at 2,000 …
std::vector<storage::SegmentInfo> make_segments(int count) {
  std::vector<storage::SegmentInfo> segments;
  for (int i = 0; i < count; ++i) {
    storage::SegmentInfo segment;
    segment.base = Offset(10 * i);
    segment.end = Offset(10 * i + 10);
    segment.bytes = 100;
    segment.last_append_ms = 1'000 * (i + 1);
    segments.push_back(segment);
  }
  return segments;
}

class RetentionRule : public testing::Test {
 protected:
  RetentionRule() {
    what.segments = segments;
    what.bounds = {.start = Offset(0), .end = Offset(50), .durable_end = Offset(50), .bytes = 500};
    what.retention_ms = 1'000;
    what.consumed = Offset(50);
    what.now_ms = 3'500;
  }
  [[nodiscard]] std::int64_t start() const { return decide_retention(what).start.value(); }

  std::vector<storage::SegmentInfo> segments = make_segments(5);
  RetentionCase what;
};

TEST_F(RetentionRule, TakesWhatIsOldAndConsumedAndNothingElse) {
  EXPECT_EQ(start(), 20) << "the segments of 1,000 and 2,000 ms are 1,000 ms old and more";
  EXPECT_EQ(decide_retention(what).freed_bytes, 200U);
  EXPECT_EQ(decide_retention(what).held_bytes, 0U);
}

TEST_F(RetentionRule, AgeIsReachedToTheMillisecond) {
  what.now_ms = 1'999;
  EXPECT_EQ(start(), 0);
  what.now_ms = 2'000;
  EXPECT_EQ(start(), 10);
}

TEST_F(RetentionRule, UnconsumedSegmentsStayHoweverOld) {
  what.now_ms = 1'000'000;
  what.consumed = Offset(29);
  const auto finding = decide_retention(what);
  EXPECT_EQ(finding.start.value(), 20) << "the third is consumed but for its last record";
  EXPECT_EQ(finding.due.value(), 50);
  EXPECT_EQ(finding.held_segments, 3);
  EXPECT_EQ(finding.held_bytes, 300U);
  what.consumed = Offset(30);
  EXPECT_EQ(start(), 30);
}

TEST_F(RetentionRule, WithoutAnyGroupEverythingStays) {
  what.now_ms = 1'000'000;
  what.retention_bytes = 0;
  what.consumed.reset();
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(decide_retention(what).held_bytes, 500U);
}

TEST_F(RetentionRule, ByTimeAloneAskedForGroupsDoNotCount) {
  what.keep_until_consumed = false;
  what.consumed.reset();
  EXPECT_EQ(start(), 20);
  what.consumed = Offset(0);
  EXPECT_EQ(start(), 20);
}

TEST_F(RetentionRule, SizeTakesTheOldestUntilTheRestFits) {
  what.retention_ms = -1;
  what.retention_bytes = 300;
  EXPECT_EQ(start(), 20);
  what.retention_bytes = 301;
  EXPECT_EQ(start(), 10) << "without the second it would be smaller than it may be";
  what.consumed = Offset(0);
  EXPECT_EQ(start(), 0) << "size has the same guard as age";
}

TEST_F(RetentionRule, ForEverIsForEver) {
  what.retention_ms = -1;
  what.now_ms = 1'000'000'000;
  EXPECT_EQ(start(), 0);
}

TEST_F(RetentionRule, ClockBeforeTheStampsTakesNothing) {
  what.now_ms = -1'000'000;
  EXPECT_EQ(start(), 0);
}

TEST_F(RetentionRule, YoungSegmentProtectsWhatLiesBehindIt) {
  segments[1].last_append_ms = 1'000'000;
  what.now_ms = 1'000'500;
  EXPECT_EQ(start(), 10);
}

TEST_F(RetentionRule, NothingPastTheDurableEndGoes) {
  what.now_ms = 1'000'000;
  what.bounds.durable_end = Offset(45);
  what.keep_until_consumed = false;
  EXPECT_EQ(start(), 40);
}

TEST_F(RetentionRule, LastSegmentGoesWhenItIsOldAndConsumed) {
  what.now_ms = 6'000;
  EXPECT_EQ(start(), 50);
  what.bounds.start = Offset(50);
  EXPECT_EQ(start(), 50) << "and is not decided twice";
  EXPECT_EQ(decide_retention(what).freed_bytes, 0U);
}

TEST_F(RetentionRule, SegmentThatGrowsForTooLongIsRolledOnceItIsRead) {
  segments = make_segments(1);
  segments[0].last_append_ms = 100'000;
  segments[0].first_append_ms = 1'000;
  what.segments = segments;
  what.bounds = {.start = Offset(0), .end = Offset(10), .durable_end = Offset(10), .bytes = 100};
  what.now_ms = 100'100;
  EXPECT_TRUE(decide_retention(what).roll);
  what.consumed = Offset(0);
  EXPECT_FALSE(decide_retention(what).roll) << "nobody has read of it: it could not go anyway";
  what.consumed = Offset(1);
  EXPECT_TRUE(decide_retention(what).roll);
  what.now_ms = 60'999;
  EXPECT_FALSE(decide_retention(what).roll) << "not every second, however short the retention";
  what.now_ms = 100'100;
  what.retention_ms = 99'101;
  EXPECT_FALSE(decide_retention(what).roll) << "its oldest records are not due";
  what.retention_ms = 1'000;
  what.now_ms = 101'000;
  EXPECT_TRUE(decide_retention(what).roll);
  what.consumed = Offset(10);
  EXPECT_FALSE(decide_retention(what).roll) << "it goes whole";
}

TEST_F(RetentionRule, NothingIsRolledBehindSegmentsThatStay) {
  what.now_ms = 1'000'000;
  what.consumed = Offset(10);
  EXPECT_FALSE(decide_retention(what).roll);
}

TEST_F(RetentionRule, SumsLieBetweenOffsets) {
  const SegmentSums sums(segments);
  EXPECT_EQ(sums.between(Offset(0), Offset(50)), 500U);
  EXPECT_EQ(sums.between(Offset(10), Offset(50)), 400U);
  EXPECT_EQ(sums.between(Offset(11), Offset(50)), 400U) << "a segment read in part is not passed";
  EXPECT_EQ(sums.between(Offset(50), Offset(50)), 0U);
  EXPECT_EQ(sums.between(Offset(50), Offset(20)), 0U);
}

storage::TopicId id_of(int n) {
  storage::TopicId id{};
  id[0] = static_cast<std::uint8_t>(n);
  return id;
}

class CountingGroups : public testing::Test {
 protected:
  CountingGroups() {
    state.apply(storage::TopicMade{id_of(1), "t", 3, {{"outbox.required.groups", "later, sure"}}});
    state.apply(storage::TopicMade{id_of(2), "other", 3, {}});
  }
  void commit(const std::string& group, int topic, int partition, std::int64_t offset) {
    state.apply(storage::GroupOffset{group, ref(topic, partition), Offset(offset), -1, "", 0});
  }
  static storage::PartitionRef ref(int topic, int partition) {
    return {id_of(topic), storage::PartitionIndex(partition)};
  }
  [[nodiscard]] Consumed consumed(int topic, int partition) {
    const auto& of = *state.find_topic(id_of(topic));
    return consumed_of(counting_groups(state, of), ref(topic, partition), Offset(3));
  }
  [[nodiscard]] std::vector<std::string> names(int topic) {
    std::vector<std::string> found;
    for (const auto& group : counting_groups(state, *state.find_topic(id_of(topic)))) found.emplace_back(group.name);
    std::ranges::sort(found);
    return found;
  }
  State state;
};

TEST_F(CountingGroups, AreThoseThatCommittedHereAndThoseRequired) {
  EXPECT_EQ(names(1), (std::vector<std::string>{"later", "sure"}));
  EXPECT_TRUE(names(2).empty());
  EXPECT_FALSE(consumed(2, 0).below) << "no group at all is not the same as one that has read all";
  commit("a", 2, 1, 10);
  commit("sure", 1, 0, 10);
  EXPECT_EQ(names(1), (std::vector<std::string>{"later", "sure"}));
  EXPECT_EQ(names(2), (std::vector<std::string>{"a"}));
}

TEST_F(CountingGroups, RequiredGroupHoldsEverythingBeforeItsFirstCommit) {
  commit("sure", 1, 0, 10);
  EXPECT_EQ(consumed(1, 0).below, Offset(3));
  commit("later", 1, 0, 8);
  EXPECT_EQ(consumed(1, 0).below, Offset(8));
}

TEST_F(CountingGroups, RequiredGroupHoldsAlsoWhenItIsKnownFromOtherTopics) {
  commit("sure", 2, 0, 10);
  commit("later", 1, 0, 10);
  EXPECT_EQ(consumed(1, 0).below, Offset(3));
}

TEST_F(CountingGroups, SlowestGroupCounts) {
  commit("a", 2, 0, 100);
  commit("b", 2, 0, 40);
  EXPECT_EQ(consumed(2, 0).below, Offset(40));
  commit("b", 2, 0, 20);
  EXPECT_EQ(consumed(2, 0).below, Offset(20)) << "who goes back, goes back";
}

TEST_F(CountingGroups, PartitionWithoutACommitOfAGroupThatCommittedElsewhereIsHeldWhole) {
  commit("a", 2, 0, 100);
  commit("b", 2, 0, 100);
  commit("b", 2, 1, 100);
  EXPECT_EQ(consumed(2, 0).below, Offset(100));
  EXPECT_EQ(consumed(2, 1).below, Offset(3));
  EXPECT_EQ(consumed(2, 2).below, Offset(3));
}

TEST_F(CountingGroups, GroupThatIsDeletedOrWhoseOffsetsAreDeletedCountsNoMore) {
  commit("a", 2, 0, 10);
  commit("b", 2, 0, 100);
  state.apply(storage::GroupOffset{"a", ref(2, 0), Offset(-1), -1, "", 0});
  EXPECT_EQ(consumed(2, 0).below, Offset(100));
  storage::GroupState gone;
  gone.group = "b";
  gone.deleted = true;
  state.apply(gone);
  EXPECT_FALSE(consumed(2, 0).below);
}

TEST_F(CountingGroups, TopicMadeAnewUnderItsOldNameBeginsWithout) {
  commit("a", 2, 0, 10);
  state.apply(storage::TopicDeleted{id_of(2)});
  state.apply(storage::TopicMade{id_of(3), "other", 3, {}});
  EXPECT_TRUE(names(3).empty());
}

TEST_F(CountingGroups, AnswerRestsOnTheLatestFrameOfTheirCommits) {
  commit("a", 2, 0, 10);
  commit("b", 2, 0, 20);
  state.find_group("a")->offsets.at(ref(2, 0)).ticket = storage::Ticket(7);
  state.find_group("b")->offsets.at(ref(2, 0)).ticket = storage::Ticket(9);
  EXPECT_EQ(consumed(2, 0).ticket, storage::Ticket(9));
}

TEST(RetentionClock, GoesOnByTheMonotonicClockAlone) {
  RetentionClock clock(5'000, 100s);
  EXPECT_EQ(clock.now_ms(100s), 5'000);
  EXPECT_EQ(clock.now_ms(101s), 6'000);
  EXPECT_EQ(clock.now_ms(101s + 250ms), 6'250);
}

TEST(RetentionClock, NeverGoesBackAndCountsASilenceAsAMinuteAtMost) {
  RetentionClock clock(0, 100s);
  EXPECT_EQ(clock.now_ms(100s + 24h * 365), 60'000) << "even the monotonic clock may lie, or the process was stopped";
  EXPECT_EQ(clock.now_ms(101s + 24h * 365), 61'000);
  EXPECT_EQ(clock.now_ms(5s), 61'000);
  EXPECT_EQ(clock.now_ms(6s), 62'000);
}

TEST(RetentionClock, BeginsWhereTheJournalSaysWhateverTheWallClockSays) {
  using broker::core::retention_clock_start;
  constexpr std::int64_t kYearMs = 365LL * 24 * 3600 * 1000;
  EXPECT_EQ(retention_clock_start(1'000, std::nullopt, 1'000 + kYearMs), 1'000);
  EXPECT_EQ(retention_clock_start(1'000, 900, 1'000 - kYearMs), 1'000);
  EXPECT_EQ(retention_clock_start(std::nullopt, std::nullopt, 7), 7) << "an empty folder";
  EXPECT_EQ(retention_clock_start(std::nullopt, 5'000, 5'000 + kYearMs), 5'000) << "data without a mark";
  EXPECT_EQ(retention_clock_start(std::nullopt, 5'000 + kYearMs, 5'000), 5'000) << "stamps of the future";
}

}  // namespace
}  // namespace broker_tests
