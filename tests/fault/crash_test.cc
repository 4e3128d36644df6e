// SIGKILL of each part in mid-stream, ten random moments each; and a relay that lies, which must be found out.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/fault/checker.h"
#include "tests/fault/scenario.h"

namespace fault {
namespace {

constexpr int kKills = 10;

void expect_holds(const History& history) {
  const auto findings = check(history, {.committed_min = 1'000, .faults_min = kKills});
  EXPECT_TRUE(findings.empty()) << to_text(findings);
}

TEST(Crash, NothingIsLostWhenTheRelayIsKilled) {
  Scenario scenario;
  for (int kill = 0; kill < kKills; ++kill) {
    scenario.wait_for_mid_stream();
    scenario.kill_relay();
  }
  scenario.wait_for_mid_stream();
  expect_holds(scenario.finish());
}

TEST(Crash, NothingIsLostWhenTheBrokerIsKilled) {
  Scenario scenario;
  for (int kill = 0; kill < kKills; ++kill) {
    scenario.wait_for_mid_stream();
    scenario.kill_broker();
  }
  scenario.wait_for_mid_stream();
  expect_holds(scenario.finish());
}

TEST(Crash, NothingIsLostWhenTheDatabaseCrashes) {
  Scenario scenario;
  for (int kill = 0; kill < kKills; ++kill) {
    scenario.wait_for_mid_stream();
    scenario.kill_postgres();
  }
  scenario.wait_for_mid_stream();
  expect_holds(scenario.finish());
}

// The checker must see a relay that marks rows before the broker has acknowledged them.
TEST(Crash, ARelayThatMarksBeforeTheAcknowledgementIsFoundOut) {
  Scenario scenario({.relay = std::string(std::getenv("OUTBOX_BIN")) + "/../tests/relay_marks_early"});
  scenario.wait_for_mid_stream();
  scenario.inject([](Scenario& self) {
    self.broker.kill();
    self.wait_for_mid_stream();  // marked while there is no broker: that is the lie
    self.relay.kill();
    self.broker.start();
    self.relay.start();
  });
  const auto findings = check(scenario.finish(), {.committed_min = 100, .faults_min = 1});
  EXPECT_NE(to_text(findings).find("lost:"), std::string::npos) << "the lie was not found: " << to_text(findings);
}

}  // namespace
}  // namespace fault
