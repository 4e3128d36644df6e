// An alert about a dead row ends when a whole sweep pass has met no such row, and not before: each order in which the
// death, its mark and the pass can come.
#include <gtest/gtest.h>

#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

using Hours = std::chrono::hours;
constexpr auto kClass = "too_large";

// Row 1 is at its last attempt. Row 2 waits for its retry, so that a pass has two pages and an end.
class DeadRowAlert : public testing::Test {
 protected:
  DeadRowAlert() : rig_(options()) {
    rig_.insert(1, "a", 1);
    rig_.insert(2, "b", 1).next_attempt_at = rig_.world.clock.now + Hours{1'000};
    rig_.poll();
    EXPECT_EQ(rig_.feed(), Ids{1});
  }
  void TearDown() override { EXPECT_EQ(rig_.world.violations, std::vector<std::string>{}); }

  static SourceOptions options() {
    SourceOptions options = rig_options();
    options.sweep_rows_max = 1;
    return options;
  }
  void begin_pass() {
    rig_.advance(options().sweep_interval);
    rig_.sweep_page();
  }
  void end_pass() {
    const std::uint64_t before = rig_.pipeline.passes();
    rig_.sweep_page();
    EXPECT_EQ(rig_.pipeline.passes(), before) << "row 2's page";
    rig_.sweep_page();
    EXPECT_EQ(rig_.pipeline.passes(), before + 1);
  }
  [[nodiscard]] bool raised() const { return rig_.alerts.active.contains(kClass); }
  // From here on it is like every dead row: the alert stays while passes meet it, and ends once when one does not.
  void expect_the_usual_end() {
    EXPECT_EQ(rig_.row(1).status, 2);
    rig_.sweep_pass();
    rig_.sweep_pass();
    EXPECT_TRUE(raised());
    EXPECT_EQ(rig_.alerts.resolved[kClass], 0);
    rig_.row(1).status = 4;  // somebody discards it
    rig_.sweep_pass();
    EXPECT_FALSE(raised());
    EXPECT_EQ(rig_.alerts.resolved[kClass], 1);
  }

  PipelineRig rig_;
};

TEST_F(DeadRowAlert, IsRaisedByTheDeathNotByItsMark) {
  EXPECT_FALSE(raised());
  rig_.refuse(1);
  EXPECT_TRUE(raised());
  rig_.mark();
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhenTheRowDiedBeforeThePass) {
  rig_.refuse(1);
  rig_.mark();
  rig_.sweep_pass();
  EXPECT_TRUE(raised());
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhenTheRowDiedAfterThePassHadGoneByIt) {
  begin_pass();
  rig_.refuse(1);
  rig_.mark();
  end_pass();
  EXPECT_TRUE(raised());
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhenTheMarkWasWrittenAfterThePassHadGoneByTheRow) {
  rig_.refuse(1);
  begin_pass();
  rig_.mark();
  end_pass();
  EXPECT_TRUE(raised());
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhileTheMarkWaitsToBeTaken) {
  rig_.refuse(1);
  begin_pass();
  end_pass();
  EXPECT_TRUE(raised());
  rig_.mark();
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhileTheMarkIsBeingWritten) {
  rig_.refuse(1);
  const MarkWork work = rig_.take_marks();
  begin_pass();
  end_pass();
  EXPECT_TRUE(raised());
  rig_.report(work, rig_.world.mark("relay", rig_.epoch, work.batch));
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhenTheMarkWasWrittenAndThePassEndsBeforeItIsReported) {
  rig_.refuse(1);
  const MarkWork work = rig_.take_marks();
  begin_pass();
  const MarkResult result = rig_.world.mark("relay", rig_.epoch, work.batch);
  end_pass();
  EXPECT_TRUE(raised());
  rig_.report(work, result);
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhileSomebodysLockKeepsTheMarkAway) {
  rig_.refuse(1);
  const MarkWork work = rig_.take_marks();
  MarkResult locked;
  locked.blocked = {RowId{1}};
  rig_.report(work, locked);
  begin_pass();
  end_pass();
  EXPECT_TRUE(raised());
  rig_.mark();
  expect_the_usual_end();
}

TEST_F(DeadRowAlert, StaysWhileTheDatabaseIsAwayFromTheMark) {
  rig_.refuse(1);
  const MarkWork work = rig_.take_marks();
  rig_.pipeline.mark_failed(work, DatabaseError("away", true));
  begin_pass();
  end_pass();
  EXPECT_TRUE(raised());
  rig_.advance(std::chrono::seconds{1});
  rig_.mark();
  expect_the_usual_end();
}

// After a doubt the watermark is below rows that were read before, and a pass looks no further than the watermark.
class DeadRowAboveTheWatermark : public testing::Test {
 protected:
  DeadRowAboveTheWatermark() {
    rig_.insert(1, "a");
    rig_.insert(2, "b", 1);
    rig_.poll();
    EXPECT_EQ(rig_.feed(), (Ids{1, 2}));
    rig_.refuse(2);
    rig_.mark();
    EXPECT_EQ(rig_.row(2).status, 2);
  }
  void expect_that_it_stays_and_ends() {
    EXPECT_EQ(rig_.pipeline.watermark(), RowId{0});
    rig_.sweep_pass();
    rig_.sweep_pass();
    EXPECT_TRUE(rig_.alerts.active.contains(kClass));
    rig_.row(2).status = 4;
    rig_.sweep_pass();
    EXPECT_EQ(rig_.alerts.resolved[kClass], 1);
  }

  PipelineRig rig_;
};

TEST_F(DeadRowAboveTheWatermark, KeepsItsAlertAfterACut) {
  rig_.cut();
  expect_that_it_stays_and_ends();
}

TEST_F(DeadRowAboveTheWatermark, KeepsItsAlertWhenTheLeaseIsLostAndTakenAgain) {
  rig_.lose_and_take_the_lease();
  expect_that_it_stays_and_ends();
}

// The process that saw it die may have ended before it told anybody.
TEST(FoundDeadRowAlert, IsRaisedByTheFirstPassAndEndsWithTheRow) {
  PipelineRig rig;
  rig.insert(1, "a", 2).status = 2;
  rig.poll();
  rig.sweep_pass();
  EXPECT_TRUE(rig.alerts.active.contains("dead_messages"));
  rig.sweep_pass();
  EXPECT_EQ(rig.alerts.resolved["dead_messages"], 0);
  rig.row(1).status = 4;
  rig.sweep_pass();
  EXPECT_EQ(rig.alerts.resolved["dead_messages"], 1);
}

TEST_F(DeadRowAlert, IsTheOnlyOneAboutItsRow) {
  rig_.refuse(1);
  rig_.mark();
  expect_the_usual_end();
  EXPECT_FALSE(rig_.alerts.active.contains("dead_messages"));
  EXPECT_EQ(rig_.alerts.resolved["dead_messages"], 0);
}

TEST_F(DeadRowAlert, EndsOnceAndNeverAgain) {
  rig_.refuse(1);
  rig_.mark();
  expect_the_usual_end();
  rig_.sweep_pass();
  rig_.sweep_pass();
  EXPECT_EQ(rig_.alerts.resolved[kClass], 1);
}

// It showed so late that the pass did not count it, and nothing is marked that would tell when.
TEST(UnclearRowAlert, StaysWhenTheRowWasAskedAboutAfterThePassHadGoneByItsId) {
  SourceOptions options = rig_options();
  options.sweep_rows_max = 1;
  PipelineRig rig(options);
  for (const std::int64_t id : {2, 3}) rig.insert(id, "a", 1).next_attempt_at = rig.world.clock.now + Hours{1'000};
  rig.poll();
  rig.advance(options.sweep_interval);
  rig.sweep_page();
  rig.insert(1, "b").confirmed = false;
  rig.advance(options.due_interval);
  rig.look_for_due();
  const auto asked = rig.pipeline.take_checks();
  ASSERT_EQ(asked.size(), 1U);
  rig.pipeline.check_answered({.id = asked[0].id, .verdict = Verdict::not_allowed, .detail = "port 80"});
  rig.sweep_page();
  rig.sweep_page();
  EXPECT_EQ(rig.pipeline.passes(), 1U);
  EXPECT_TRUE(rig.alerts.active.contains("check_back_not_allowed"));
  rig.row(1).status = 3;
  rig.mark();
  rig.sweep_pass();
  EXPECT_EQ(rig.alerts.resolved["check_back_not_allowed"], 1);
}

}  // namespace
}  // namespace sim
