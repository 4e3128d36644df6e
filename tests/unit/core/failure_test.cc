// What a failure means and who may write it down, one event at a time: the sink's, a topic's, a row's; the owner's, or
// that of one who owns nothing any more.
#include <gtest/gtest.h>

#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

bool cuts(PipelineRig& rig) { return rig.pipeline.next_sink(true).kind == SinkStep::Kind::cut; }

TEST(Failure, ARowRefusedInABatchCutsTheSinkAndGoesAlone) {
  PipelineRig rig;
  rig.insert(1, "a");
  rig.insert(2, "a");
  rig.insert(3, "b");
  rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{1, 2, 3}));
  rig.refuse(1);
  EXPECT_TRUE(cuts(rig));
  rig.cut();
  rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{3, 1}));
  EXPECT_FALSE(rig.pipeline.next_marks().has_value()) << "in a batch it spent no attempt";
  rig.acknowledge({3});
  rig.refuse(1);
  EXPECT_FALSE(cuts(rig));
  const MarkWork work = rig.take_marks();
  ASSERT_EQ(work.batch.failed.size(), 1U);
  EXPECT_EQ(work.batch.failed[0].id, RowId{1});
  EXPECT_FALSE(work.batch.failed[0].dead);
}

TEST(Failure, ATopicRefusedInABatchCutsTheSink) {
  PipelineRig rig;
  rig.insert(1, "a");
  rig.insert(2, "b");
  rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{1, 2}));
  rig.refuse(1, Scope::topic, "no_topic");
  EXPECT_TRUE(cuts(rig));
}

TEST(Failure, OfTheSinkIsProbedWithOneRow) {
  PipelineRig rig;
  for (const std::int64_t id : {1, 2, 3}) rig.insert(id, "key-" + std::to_string(id));
  rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{1, 2, 3}));
  rig.refuse(1, Scope::sink, "not_authorised");
  rig.cut();
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  EXPECT_EQ(rig.feed(), Ids{});
  rig.acknowledge({1});
  EXPECT_EQ(rig.feed(), (Ids{2, 3}));
}

TEST(Failure, IsNotWrittenByWhoLostTheLease) {
  PipelineRig rig;
  rig.insert(1, "a", 1);
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.pipeline.disowned("the test says so");
  rig.refuse(1);
  rig.advance(Millis{50});
  EXPECT_FALSE(rig.pipeline.next_marks().has_value());
}

TEST(Failure, OfAnEarlierEpochIsNotWrittenInThisOne) {
  PipelineRig rig;
  rig.insert(1, "a", 1);
  rig.poll();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.refuse(1);
  const MarkWork work = rig.take_marks();
  rig.lose_and_take_the_lease();
  rig.pipeline.mark_failed(work, DatabaseError("away", true));
  rig.advance(std::chrono::minutes{1});
  EXPECT_FALSE(rig.pipeline.next_marks().has_value());
  rig.run_to_the_end();
}

TEST(Failure, ARowPostponedWhileItWasLoadedWaits) {
  PipelineRig rig;
  rig.insert_waiting(1, "a", 1);
  rig.poll();
  rig.advance(rig_options().due_interval);
  rig.step(ReadStep::Kind::due);
  rig.row(1).next_attempt_at = rig.world.clock.now + std::chrono::hours{3};
  rig.step(ReadStep::Kind::load);
  rig.step(ReadStep::Kind::poll);
  EXPECT_EQ(rig.feed(), Ids{});
}

// Stale: somebody changed the row while its mark was on the way. It may wait again, before row 2 of its key.
class StaleMark : public testing::Test {
 protected:
  StaleMark() : rig_(options()) {}
  void TearDown() override {
    rig_.insert(2, "a");
    rig_.poll();
    rig_.run_to_the_end();
    EXPECT_EQ(rig_.world.log, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(rig_.world.violations, std::vector<std::string>{});
  }
  static SourceOptions options() {
    SourceOptions options = rig_options();
    options.dead_rows = DeadRows::skip;
    return options;
  }

  PipelineRig rig_;
};

TEST_F(StaleMark, OfADeathDoesNotFreeItsKey) {
  rig_.insert(1, "a", 1);
  rig_.poll();
  EXPECT_EQ(rig_.feed(), Ids{1});
  rig_.refuse(1);
  rig_.row(1).attempts = 0;  // sent again by hand
  rig_.mark();
  EXPECT_EQ(rig_.row(1).status, 0);
}

TEST_F(StaleMark, OfACancellationDoesNotFreeItsKey) {
  rig_.insert(1, "a").confirmed = false;
  rig_.poll();  // and before it, the look for what is due
  ASSERT_EQ(rig_.pipeline.take_checks().size(), 1U);
  rig_.pipeline.check_answered({.id = RowId{1}, .verdict = Verdict::rolled_back, .detail = {}});
  rig_.row(1).confirmed = true;  // by its owner
  rig_.mark();
  EXPECT_EQ(rig_.row(1).status, 0);
}

}  // namespace
}  // namespace sim
