// The order within a key, where chance seldom leads: each test is one sentence of "Why the order holds" in
// relay/core/README.md. The world's checker looks at what arrives.
#include <gtest/gtest.h>

#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

void expect_order(const PipelineRig& rig) { EXPECT_EQ(rig.world.violations, std::vector<std::string>{}); }

TEST(SingleLane, WaitsForWhatItsKeyHasUnacknowledgedOnTheMainLane) {
  PipelineRig rig;
  rig.insert(1, "a");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.insert(2, "a", 1);
  rig.insert(3, "a");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.acknowledge({1});
  EXPECT_EQ(rig.feed(), Ids{2});
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.acknowledge({2});
  rig.run_to_the_end();
  expect_order(rig);
}

TEST(SingleLane, FreesItsKeyWithTheAcknowledgement) {
  PipelineRig rig;
  rig.insert(1, "a", 1);
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.acknowledge({1});
  rig.insert(2, "a");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{2});
  EXPECT_EQ(rig.pipeline.passes(), 0U);
}

TEST(SingleLane, WaitsForWhatWasAdmittedBeforeItAndIsNotYetWithThePublisher) {
  SourceOptions options = rig_options();
  options.in_flight_rows = 10'000;
  PipelineRig rig(options);
  const std::int64_t batch = 512;  // what goes to the publisher at once
  for (std::int64_t id = 1; id <= batch; ++id) rig.insert(id, "key-" + std::to_string(id));
  rig.insert(batch + 1, "a");
  rig.insert(batch + 2, "a", 1);
  rig.poll();
  const Ids first = rig.feed();
  EXPECT_EQ(first.size(), static_cast<std::size_t>(batch));
  EXPECT_EQ(first.back(), batch);
  EXPECT_EQ(rig.feed(), Ids{batch + 1});
  rig.acknowledge(first);
  EXPECT_EQ(rig.feed(), Ids{});
  rig.acknowledge({batch + 1});
  EXPECT_EQ(rig.feed(), Ids{batch + 2});
}

TEST(Feed, WhatThePublisherGivesBackKeepsItsPlace) {
  PipelineRig rig;
  for (const std::int64_t id : {1, 2, 3}) rig.insert(id, "a");
  rig.poll();
  const std::vector<Flight*> batch = rig.next_batch();
  ASSERT_EQ(batch.size(), 3U);
  rig.insert(4, "a");
  rig.poll();
  rig.pipeline.fed({.refused = {}, .returned = {batch[1], batch[2]}, .full = true});
  rig.advance(Millis{50});
  EXPECT_EQ(rig.feed(), (Ids{2, 3, 4}));
}

// Refused for its topic, row 1 opens the topic's breaker; row 2, admitted before that, is forgotten. Row 3 must find
// its key closed when the breaker lets the next row try.
TEST(FailingTopic, ARowForgottenBecauseOfItHoldsItsKey) {
  PipelineRig rig;
  rig.insert(1, "b", 1);
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.insert(2, "a");
  rig.poll();
  rig.refuse(1, Scope::topic, "no_topic");
  EXPECT_EQ(rig.feed(), Ids{});
  rig.insert(3, "a");
  rig.advance(Millis{2'000});
  rig.run_to_the_end();
  expect_order(rig);
}

TEST(SingleLane, ARetryKeepsItsKeyClosedUntilItIsAcknowledged) {
  PipelineRig rig;
  rig.insert_waiting(1, "a", 1);
  rig.poll();
  rig.retry_due();
  rig.insert(2, "a");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.acknowledge({1});
  rig.run_to_the_end();
  expect_order(rig);
}

// Row 3 is the first of its key that waits, for row 2 is on its way before it. Then row 2 is to be read again, and the
// poll behind the loading of row 3 has room for row 1 alone.
class FirstOfItsKey : public testing::Test {
 protected:
  FirstOfItsKey() : rig_(options()) {
    rig_.written = Lsn{rig_.flushed.value() + 8};
    rig_.insert(1, "b");
    rig_.insert(2, "a");
    rig_.insert_waiting(3, "a");
    for (int polls = 0; polls < 3; ++polls) rig_.poll();
    EXPECT_EQ(rig_.pipeline.in_flight().rows(), 2U);
  }
  void TearDown() override {
    rig_.flushed = rig_.written;
    rig_.advance(options().due_interval);
    rig_.run_to_the_end();
    EXPECT_EQ(rig_.world.log, (std::vector<std::int64_t>{1, 2, 3}));
  }
  static SourceOptions options() {
    SourceOptions options = rig_options();
    options.poll_rows_max = 1;
    return options;
  }

  PipelineRig rig_;
};

TEST_F(FirstOfItsKey, IsNotTakenForItAfterACut) {
  rig_.flushed = rig_.written;
  rig_.step(ReadStep::Kind::flushed);
  EXPECT_EQ(rig_.feed(), (Ids{1, 2}));
  rig_.cut();
}

TEST_F(FirstOfItsKey, IsNotTakenForItWhenTheConnectionBreaksBeforeTheFlush) {
  rig_.pipeline.read_failed(DatabaseError("away", true));
  EXPECT_EQ(rig_.pipeline.in_flight().rows(), 0U);
}

TEST(Flush, IsWaitedForOnBothLanes) {
  PipelineRig rig;
  rig.written = Lsn{1'008};
  rig.insert(1, "a", 1);
  rig.insert(2, "b");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.flushed = rig.written;
  rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{2, 1}));
}

TEST(Flush, PositionsOfABrokenConnectionSayNothing) {
  PipelineRig rig;
  rig.insert(1, "a");
  rig.poll();
  rig.pipeline.read_failed(DatabaseError("away", true));
  EXPECT_EQ(rig.feed(), Ids{1}) << "it was flushed before";
  rig.written = Lsn{900};
  rig.flushed = Lsn{800};
  rig.insert(2, "b");
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{});
  rig.flushed = Lsn{900};
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{2});
}

TEST(HeldKeys, AreNotFreedByARowThatWasNotKnownToBlock) {
  HeldKeys held(10, 1);
  held.hold(11, RowId{5}, true, false);
  EXPECT_TRUE(held.release(11, RowId{6}));
  EXPECT_TRUE(held.held(11));
}

TEST(HeldKeys, WhatIsFreedDuringAPassStaysFreeAfterIt) {
  HeldKeys held(10, 1);
  held.hold(11, RowId{5}, true, false);
  held.begin_pass();
  held.block_in_pass(11, RowId{5}, true);
  EXPECT_FALSE(held.release(11, RowId{5}));
  held.end_pass();
  EXPECT_FALSE(held.held(11));
}

}  // namespace
}  // namespace sim
