// What the sweep may let go, and what it must remember of the rows it met: the second hand of "Why the order holds" in
// relay/core/README.md. A page is read, its rows are loaded, a poll follows: each can come apart from the others.
#include <gtest/gtest.h>

#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

using Kind = ReadStep::Kind;

// Rows that become due are the sweep's alone to find.
SourceOptions sweep_options() {
  SourceOptions options = rig_options();
  options.due_interval = std::chrono::hours{1'000};
  return options;
}

class SweepOrder : public testing::Test {
 protected:
  explicit SweepOrder(const SourceOptions& options = sweep_options()) : rig_(options) {}
  void TearDown() override {
    rig_.run_to_the_end();
    EXPECT_EQ(rig_.world.violations, std::vector<std::string>{});
  }
  // The page is judged by the poll that follows.
  void read_page(bool load) {
    rig_.advance(sweep_options().sweep_interval);
    rig_.step(Kind::sweep);
    if (load) rig_.step(Kind::load);
  }

  PipelineRig rig_;
};

TEST_F(SweepOrder, ARowThatChangedBehindItsPageHoldsItsKey) {
  rig_.insert_waiting(1, "a");
  rig_.insert_waiting(2, "a");
  rig_.poll();
  rig_.advance(sweep_options().sweep_interval);
  rig_.step(Kind::sweep);
  rig_.row(1).status = 2;
  rig_.step(Kind::load);
  rig_.step(Kind::poll);
  EXPECT_EQ(rig_.feed(), Ids{});
  rig_.row(1).status = 0;
}

class SweepOrderPollOfOneRow : public SweepOrder {
 protected:
  SweepOrderPollOfOneRow() : SweepOrder(options()) {}
  static SourceOptions options() {
    SourceOptions options = sweep_options();
    options.poll_rows_max = 1;
    return options;
  }
};

// Rows 1 and 3 become visible behind row 5's page, and the poll has room for row 1 alone: of row 3 nothing is known.
TEST_F(SweepOrderPollOfOneRow, NothingIsJudgedBeyondWhereThePollLooked) {
  rig_.world.open.push_back({.id = 50, .rows = {}, .locks = {}, .writes_at = rig_.world.clock.now});
  rig_.insert_waiting(5, "a");
  rig_.poll();
  read_page(true);
  rig_.insert(1, "b");
  rig_.insert(3, "a");
  rig_.world.open.clear();
  rig_.step(Kind::poll);
  EXPECT_EQ(rig_.feed(), Ids{1});
  rig_.acknowledge({1});
}

// The single lane's queue takes one row, a quarter of the window.
class SweepOrderSmallWindow : public SweepOrder {
 protected:
  SweepOrderSmallWindow() : SweepOrder(options()) {}
  static SourceOptions options() {
    SourceOptions options = sweep_options();
    options.in_flight_rows = 7;
    return options;
  }
};

TEST_F(SweepOrderSmallWindow, ARowWithoutRoomInItsLaneHoldsItsKey) {
  rig_.insert_waiting(1, "b", 1);
  rig_.insert_waiting(2, "a", 1);
  rig_.insert_waiting(3, "a");
  rig_.poll();
  read_page(true);
  rig_.step(Kind::poll);
  EXPECT_EQ(rig_.feed(), Ids{1});
  rig_.acknowledge({1});
}

TEST_F(SweepOrderSmallWindow, ARowOfThePollWithoutRoomInItsLaneHoldsItsKey) {
  rig_.insert_waiting(1, "b", 1);
  rig_.insert_waiting(2, "a");
  rig_.poll();
  read_page(true);
  rig_.insert(3, "a", 1);
  rig_.step(Kind::poll);
  EXPECT_EQ(rig_.pipeline.passes(), 1U);
  rig_.insert(4, "a");
  rig_.poll();
  EXPECT_EQ(rig_.feed(), (Ids{2, 1}));
  rig_.acknowledge({2, 1});
}

class SweepOrderWindowOfOneRow : public SweepOrder {
 protected:
  SweepOrderWindowOfOneRow() : SweepOrder(options()) {}
  static SourceOptions options() {
    SourceOptions options = sweep_options();
    options.in_flight_rows = 1;
    return options;
  }
};

TEST_F(SweepOrderWindowOfOneRow, ThePassStandsStillBeforeARowOfThePollThatHasNoRoom) {
  rig_.insert_waiting(1, "a");
  rig_.poll();
  read_page(true);
  rig_.insert(2, "a");
  rig_.step(Kind::poll);
  EXPECT_EQ(rig_.pipeline.passes(), 0U);
  EXPECT_EQ(rig_.feed(), Ids{1});
  rig_.acknowledge({1});
  rig_.mark();
  rig_.insert(3, "a");
}

// Row 1 is known to be the first of its key, and row 2 to wait behind it: when row 1 goes, the key stays closed.
class SweepOrderFollower : public SweepOrder {
 protected:
  SweepOrderFollower() : SweepOrder(rig_options()) {
    rig_.insert(1, "a").next_attempt_at = rig_.world.clock.now + 3 * rig_options().sweep_interval / 2;
  }
  void TearDown() override {
    EXPECT_EQ(rig_.pipeline.passes(), 1U);
    rig_.retry_due();
    rig_.insert(3, "a");
    rig_.poll();
    EXPECT_EQ(rig_.feed(), (Ids{1, 2, 3}));
    rig_.acknowledge({1, 2, 3});
    SweepOrder::TearDown();
  }
};

TEST_F(SweepOrderFollower, OnThePageIsRemembered) {
  rig_.insert(2, "a");
  rig_.poll();
  rig_.sweep_pass();
}

TEST_F(SweepOrderFollower, InThePollIsRemembered) {
  rig_.poll();
  rig_.advance(rig_options().sweep_interval);
  rig_.step(Kind::due);
  rig_.step(Kind::sweep);
  rig_.insert(2, "a");
  rig_.step(Kind::poll);
}

}  // namespace
}  // namespace sim
