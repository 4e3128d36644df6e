// Broker or database gone, shorter and longer than silence_timeout (about 1.1 s here) and the lease's ttl (2 s): no
// row's attempts are spent, nothing is lost or reordered, and the stream flows again by itself.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/fault/checker.h"
#include "tests/fault/scenario.h"

namespace fault {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kOutages[] = {milliseconds(400), milliseconds(1'500), milliseconds(4'000)};

// The outage itself has a length; nothing is waited for here.
void last(milliseconds outage) { std::this_thread::sleep_for(outage); }

void expect_unharmed(Scenario& scenario) {
  const auto findings = check(scenario.finish(), {.committed_min = 500, .faults_min = 3});
  EXPECT_TRUE(findings.empty()) << to_text(findings);
  EXPECT_EQ(scenario.attempts_spent(), 0) << "an outage is nobody's failure";
}

TEST(Outage, ASilentBrokerSpendsNoAttempts) {
  Scenario scenario;
  for (const auto outage : kOutages) {
    scenario.wait_for_mid_stream();
    scenario.inject([outage](Scenario& self) {
      self.broker.signal(SIGSTOP);
      last(outage);
      self.broker.signal(SIGCONT);
    });
  }
  scenario.wait_for_mid_stream();
  expect_unharmed(scenario);
}

TEST(Outage, ABrokerThatIsGoneSpendsNoAttempts) {
  Scenario scenario;
  for (const auto outage : kOutages) {
    scenario.wait_for_mid_stream();
    scenario.inject([outage](Scenario& self) {
      self.broker.kill();
      last(outage);
      self.broker.start();
    });
  }
  scenario.wait_for_mid_stream();
  expect_unharmed(scenario);
}

TEST(Outage, ASilentDatabaseLosesNothing) {
  Scenario scenario({.database_proxy = true});
  for (const auto outage : kOutages) {
    scenario.wait_for_mid_stream();
    scenario.inject([outage](Scenario& self) {
      self.database_proxy().blackhole();
      last(outage);
      self.database_proxy().resume();
    });
  }
  scenario.wait_for_mid_stream();
  expect_unharmed(scenario);
}

TEST(Outage, ADatabaseThatRefusesLosesNothing) {
  Scenario scenario({.database_proxy = true});
  for (const auto outage : kOutages) {
    scenario.wait_for_mid_stream();
    scenario.inject([outage](Scenario& self) {
      self.database_proxy().refuse();
      last(outage);
      self.database_proxy().resume();
    });
  }
  scenario.wait_for_mid_stream();
  expect_unharmed(scenario);
}

}  // namespace
}  // namespace fault
