// A hundred thousand crash states and as many recoveries: part of ./x test --long. The same histories as
// storage_crash_test, from other seeds. OUTBOX_CRASH_SEED and OUTBOX_CRASH_RUNS repeat one or change the number.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/unit/storage/crash_model.h"

namespace broker::storage::test {
namespace {

constexpr std::uint64_t kCrashStates = 100'000;
constexpr int kLivesOfARun = 10;

TEST(StorageCrashLong, NothingAcknowledgedIsLostInAHundredThousandCrashes) {
  const char* seed_text = std::getenv("OUTBOX_CRASH_SEED");
  const char* runs_text = std::getenv("OUTBOX_CRASH_RUNS");
  const std::uint64_t first = seed_text == nullptr ? std::random_device{}() : std::strtoull(seed_text, nullptr, 10);
  const std::uint64_t runs = runs_text == nullptr ? kCrashStates : std::strtoull(runs_text, nullptr, 10);
  std::cout << "first seed " << first << "\n";
  std::uint64_t crashes = 0;
  for (std::uint64_t i = 0; i < runs && crashes < kCrashStates; ++i) {
    CrashRun run(first + i, {});
    for (int life = 0; life < kLivesOfARun; ++life) {
      const auto wrong = run.live_once();
      ASSERT_FALSE(wrong.has_value()) << *wrong << "\nagain: OUTBOX_CRASH_SEED=" << first + i << " OUTBOX_CRASH_RUNS=1";
    }
    crashes += run.crashes();
  }
  std::cout << crashes << " crash states\n";
}

}  // namespace
}  // namespace broker::storage::test
