// Crashes by the thousand on the simulated disk, each recovered and compared with what was acknowledged; and sabotaged
// stores, which the comparison must find.
// OUTBOX_CRASH_SEED: another first seed; OUTBOX_CRASH_RUNS: more or fewer histories.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/unit/storage/crash_model.h"

namespace broker::storage::test {
namespace {

constexpr std::uint64_t kRuns = 150;
constexpr int kLivesOfARun = 10;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t first_seed() { return from_environment("OUTBOX_CRASH_SEED", 20261121); }

// The first thing found wrong in a history of some lives; none: all was well.
std::optional<std::string> find_wrong(std::uint64_t seed, const CrashOptions& options, int lives,
                                      std::uint64_t& crashes, std::map<std::string, std::uint64_t>& seen) {
  CrashRun run(seed, options);
  std::optional<std::string> wrong;
  for (int life = 0; life < lives && !wrong; ++life) wrong = run.live_once();
  crashes += run.crashes();
  for (const auto& [what, times] : run.seen()) seen[what] += times;
  return wrong;
}

TEST(StorageCrash, NothingAcknowledgedIsLost) {
  const std::uint64_t seed = first_seed();
  const std::uint64_t runs = from_environment("OUTBOX_CRASH_RUNS", kRuns);
  std::uint64_t crashes = 0;
  std::map<std::string, std::uint64_t> seen;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const auto wrong = find_wrong(seed + i, {}, kLivesOfARun, crashes, seen);
    ASSERT_FALSE(wrong.has_value()) << *wrong << "\nagain: OUTBOX_CRASH_SEED=" << seed + i << " OUTBOX_CRASH_RUNS=1";
  }
  std::cout << "seed " << seed << ", " << crashes << " crash states:";
  for (const auto& [what, times] : seen) std::cout << " " << what << " " << times << ";";
  std::cout << "\n";
  if (runs < kRuns) return;
  EXPECT_GE(crashes, 1000U);
  for (const char* what :
       {"kill", "power cut", "crash inside a call", "crash inside recovery", "failed flush", "clean stop", "round",
        "mark", "background", "topic deleted", "partitions added", "group changed", "group deleted",
        "start moved to the end", "rolled", "cold read", "flush of the whole disk"}) {
    EXPECT_GT(seen[what], 20U) << what << " hardly happened, so the run shows little";
  }
}

TEST(StorageCrash, FirstStartMayBeKilledAtAnyCall) {
  std::uint64_t call = 1;
  for (bool killed = true; killed; ++call) {
    for (std::uint64_t variant = 0; variant < 4; ++variant) {
      CrashRun run(first_seed() + call * 4 + variant, {});
      std::optional<std::string> wrong;
      killed = run.first_start_killed_at(call, wrong);
      ASSERT_FALSE(wrong.has_value()) << *wrong << "\nkilled at call " << call
                                      << ", OUTBOX_CRASH_SEED=" << first_seed();
    }
  }
  EXPECT_GT(call, 30U);
}

void expect_found(const CrashOptions& options, const char* what) {
  std::uint64_t crashes = 0;
  std::map<std::string, std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (const auto wrong = find_wrong(first_seed() + i, options, kLivesOfARun, crashes, seen)) {
      std::cout << what << ": found after " << crashes << " crashes: " << *wrong << "\n";
      return;
    }
  }
  FAIL() << what << " was not found in " << crashes << " crashes";
}

TEST(StorageCrash, FindsAStoreThatAcknowledgesBeforeTheFlush) {
  CrashOptions options;
  options.hooks.release_before_flush = true;
  expect_found(options, "acknowledging before the flush");
}

TEST(StorageCrash, FindsADiskThatLiesAboutFlushes) {
  CrashOptions options;
  options.lie_on_flush = true;
  expect_found(options, "a flush that does nothing");
}

}  // namespace
}  // namespace broker::storage::test
