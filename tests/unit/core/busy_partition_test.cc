// Rows that the publisher turns away because their partition is silent: they leave the window, hold their keys and no
// others, spend nothing, and come back with the sweep.
#include <gtest/gtest.h>

#include <set>

#include "relay/core/feed.h"
#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

// Takes every row but those of the keys it is told to turn away.
class PickyPublisher final : public Publisher {
 public:
  void on_outcomes(OutcomeHandler) override {}
  Enqueued enqueue(const Row& row, Lane) override {
    if (busy.contains(row.key.value_or(""))) return Enqueued::busy;
    taken.push_back(row.id.value());
    if (works_again_after == row.id.value()) busy.clear();
    return Enqueued::accepted;
  }
  std::optional<PublishOutcome> refuse(const Row&) override { return std::nullopt; }
  void cut() override {}
  void rebuild(Epoch) override {}
  [[nodiscard]] SinkState state() const override { return {.up = true, .fatal = false, .reason = {}}; }

  std::set<std::string> busy;
  std::int64_t works_again_after = 0;
  Ids taken;
};

class BusyPartition : public ::testing::Test {
 protected:
  Ids feed() {
    publisher_.taken.clear();
    rig_.pipeline.fed(relay::core::feed(publisher_, rig_.next_batch(), [] { return true; }));
    return publisher_.taken;
  }
  PipelineRig rig_;
  PickyPublisher publisher_;
};

TEST_F(BusyPartition, FillsNoWindowAndHoldsItsKeysOnly) {
  for (int id = 1; id <= 6; ++id) rig_.insert(id, id % 2 == 0 ? "silent" : "works");
  publisher_.busy = {"silent"};
  rig_.poll();
  EXPECT_EQ(feed(), (Ids{1, 3, 5}));
  rig_.acknowledge({1, 3, 5});
  rig_.mark();
  EXPECT_EQ(feed(), Ids{}) << "what was behind the first row of its key is let go of as well";
  EXPECT_EQ(rig_.pipeline.in_flight().rows(), 0U);
  rig_.insert(7, "silent");
  rig_.insert(8, "works");
  rig_.poll();
  EXPECT_EQ(feed(), (Ids{8}));
  EXPECT_EQ(rig_.row(2).attempts, 0);
  EXPECT_TRUE(rig_.alerts.active.contains("partition_silent"));
}

TEST_F(BusyPartition, IsTriedAgainWithEachPassAndThenInOrder) {
  for (int id = 1; id <= 3; ++id) rig_.insert(id, "silent");
  publisher_.busy = {"silent"};
  rig_.poll();
  EXPECT_EQ(feed(), Ids{});
  EXPECT_EQ(feed(), Ids{});
  rig_.advance(Millis{2'000});  // far less than this source's sweep interval
  rig_.sweep_page();
  EXPECT_EQ(feed(), Ids{}) << "still silent";
  EXPECT_EQ(feed(), Ids{});
  publisher_.busy.clear();
  rig_.advance(Millis{2'000});
  rig_.sweep_page();
  EXPECT_EQ(feed(), (Ids{1, 2, 3}));
  rig_.acknowledge({1, 2, 3});
  rig_.mark();
  EXPECT_TRUE(rig_.world.violations.empty());
  rig_.sweep_pass();
  rig_.sweep_pass();
  EXPECT_FALSE(rig_.alerts.active.contains("partition_silent"));
}

TEST_F(BusyPartition, ALaterRowOfItsKeyDoesNotSlipThroughWhenItWorksAgainInMidBatch) {
  rig_.insert(1, "silent");
  rig_.insert(2, "works");
  rig_.insert(3, "silent");
  publisher_.busy = {"silent"};
  publisher_.works_again_after = 2;
  rig_.poll();
  EXPECT_EQ(feed(), (Ids{2})) << "row 3 comes after row 1, which waits";
  EXPECT_EQ(feed(), Ids{});
}

TEST_F(BusyPartition, DoesNotBlockTheSingleLane) {
  rig_.insert(1, "silent", 1);
  rig_.insert(2, "works", 1);
  publisher_.busy = {"silent"};
  rig_.poll();
  EXPECT_EQ(feed(), Ids{});
  EXPECT_EQ(feed(), (Ids{2}));
}

}  // namespace
}  // namespace sim
