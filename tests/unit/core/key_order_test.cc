// The order within a key, where chance seldom leads: each test is one sentence of "Why the order holds" in
// relay/core/README.md. The world's checker looks at what arrives.
#include <gtest/gtest.h>

#include "tests/unit/core/pipeline_rig.h"

namespace sim {
namespace {

using Hours = std::chrono::hours;

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

// Row 5 waited for its time. While its page is on the way rows 1 and 3 become visible, and the poll behind the page
// has room for row 1 alone: of row 3, which comes before row 5, nothing is known yet.
TEST(Sweep, JudgesNoFurtherThanItsPollLooked) {
  SourceOptions options = rig_options();
  options.poll_rows_max = 1;
  options.due_interval = Hours{100};
  PipelineRig rig(options);
  rig.world.open.push_back({.id = 50, .rows = {}, .locks = {}, .writes_at = rig.world.clock.now});
  rig.insert(5, "a").next_attempt_at = rig.world.clock.now + Millis{600'000};
  rig.poll();
  rig.advance(options.sweep_interval);
  for (const ReadStep::Kind expected : {ReadStep::Kind::sweep, ReadStep::Kind::load}) {
    EXPECT_EQ(rig.ask(), expected);
    rig.answer();
  }
  rig.insert(1, "b");
  rig.insert(3, "a");
  rig.world.open.clear();
  EXPECT_EQ(rig.ask(), ReadStep::Kind::poll);
  rig.answer();
  EXPECT_EQ(rig.feed(), Ids{1});
  rig.acknowledge({1});
  rig.run_to_the_end();
  expect_order(rig);
}

// Row 3 was the first of its key that waited, as long as row 2 was on its way before it.
TEST(Doubt, ARowThatWasTheFirstOfItsKeyIsNotTakenForItAnyMore) {
  SourceOptions options = rig_options();
  options.poll_rows_max = 1;
  PipelineRig rig(options);
  rig.insert(1, "b");
  rig.insert(2, "a");
  rig.insert(3, "a").next_attempt_at = rig.world.clock.now + Millis{600'000};
  for (int polls = 0; polls < 3; ++polls) rig.poll();
  EXPECT_EQ(rig.feed(), (Ids{1, 2}));
  rig.cut();
  rig.advance(options.due_interval);
  rig.run_to_the_end();
  expect_order(rig);
  EXPECT_EQ(rig.world.log, (std::vector<std::int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace sim
