// Two relays on one table: the owner is stopped beyond its lease under load and wakes again later.
#include <gtest/gtest.h>

#include "tests/fault/checker.h"
#include "tests/fault/scenario.h"
#include "tests/support/wait_until.h"

namespace fault {
namespace {

bool owns(const test_support::RelayProcess& relay) {
  return relay.metrics().find("outbox_owner{source=\"crash\"} 1") != std::string::npos;
}

TEST(TakeOver, TheStandbyGoesOnWhenTheOwnerIsStoppedAndTheOldOneDoesNoHarm) {
  Scenario scenario;
  scenario.wait_for_mid_stream();
  test_support::RelayProcess standby({.config = scenario.relay_toml()});
  EXPECT_FALSE(owns(standby)) << "one owner at a time";

  scenario.inject([&](Scenario& self) {
    self.relay.signal(SIGSTOP);
    ASSERT_TRUE(test_support::wait_until([&] { return owns(standby); })) << standby.log();
  });
  scenario.wait_for_mid_stream();  // by the standby
  // A paused owner that wakes is a second fault: records queued in its client may still leave it.
  scenario.inject([](Scenario& self) { self.relay.signal(SIGCONT); });
  scenario.wait_for_mid_stream();
  ASSERT_TRUE(test_support::wait_until([&] { return !owns(scenario.relay); })) << scenario.relay.log();
  EXPECT_TRUE(owns(standby));

  const auto findings = check(scenario.finish(), {.committed_min = 60, .faults_min = 2, .stale_repeats = true});
  EXPECT_TRUE(findings.empty()) << to_text(findings);
  EXPECT_EQ(scenario.attempts_spent(), 0);
}

TEST(TakeOver, AStoppedOwnerHandsOverAtOnce) {
  Scenario scenario;
  scenario.wait_for_mid_stream();
  test_support::RelayProcess standby({.config = scenario.relay_toml()});
  scenario.inject([](Scenario& self) { EXPECT_EQ(self.relay.terminate().code, 0); });
  ASSERT_TRUE(test_support::wait_until([&] { return owns(standby); })) << standby.log();
  scenario.wait_for_mid_stream();
  const auto findings = check(scenario.finish(), {.committed_min = 60, .faults_min = 1});
  EXPECT_TRUE(findings.empty()) << to_text(findings);
}

}  // namespace
}  // namespace fault
