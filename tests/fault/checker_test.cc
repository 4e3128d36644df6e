// The checker must turn red for each thing it is there to find.
#include "tests/fault/checker.h"

#include <gtest/gtest.h>

namespace fault {
namespace {

// Two keys in two partitions, all delivered once.
History good() {
  History history;
  history.window_rows = 10;
  std::int64_t id = 0;
  for (std::int64_t number = 1; number <= 5; ++number) {
    for (int key = 0; key < 2; ++key) {
      const std::string name = "k" + std::to_string(key);
      history.committed.push_back({++id, name, number, 1, key, number - 1});
      history.acknowledged.push_back({name, number});
    }
  }
  for (int key = 0; key < 2; ++key) {
    for (std::int64_t number = 1; number <= 5; ++number) {
      history.logged.push_back({key, number - 1, "k" + std::to_string(key), number});
    }
  }
  return history;
}

std::string rules(const History& history, Demand demand = {}) {
  std::string found;
  for (const auto& finding : check(history, demand)) found += finding.rule + " ";
  return found;
}

TEST(Checker, AcceptsACleanHistory) { EXPECT_EQ(rules(good()), ""); }

TEST(Checker, FindsALostMessage) {
  auto history = good();
  history.logged.pop_back();
  EXPECT_NE(rules(history).find("lost"), std::string::npos);
  EXPECT_NE(rules(history).find("marked_not_logged"), std::string::npos);
}

TEST(Checker, FindsAMessageThatStillWaits) {
  auto history = good();
  history.committed.back().status = 0;
  EXPECT_EQ(rules(history), "undelivered ");
}

TEST(Checker, FindsAPhantom) {
  auto history = good();
  history.committed.pop_back();
  history.acknowledged.pop_back();
  EXPECT_EQ(rules(history), "phantom ");
}

TEST(Checker, FindsAnInvertedPair) {
  auto history = good();
  std::swap(history.logged[1].number, history.logged[2].number);
  EXPECT_NE(rules(history).find("order"), std::string::npos);
}

TEST(Checker, FindsAHoleInAReplay) {
  auto history = good();
  history.faults = 1;
  history.logged.push_back({1, 5, "k1", 3});
  history.logged.push_back({1, 6, "k1", 5});
  EXPECT_EQ(rules(history), "order ");
}

TEST(Checker, AcceptsOneReplayPerFault) {
  auto history = good();
  for (std::int64_t number = 3; number <= 5; ++number) history.logged.push_back({1, number + 2, "k1", number});
  EXPECT_NE(rules(history).find("order"), std::string::npos) << "no fault, so no replay";
  history.faults = 1;
  EXPECT_EQ(rules(history), "");
  EXPECT_EQ(repeated(history), 3);
}

TEST(Checker, AcceptsAStaleRepeatThatBreaksOffOnlyWhereAnOwnerWoke) {
  auto history = good();
  history.faults = 1;
  history.logged.push_back({1, 5, "k1", 3});  // the woken owner's
  history.logged.push_back({1, 6, "k1", 6});  // the new owner's next
  const auto has_order = [&](bool stale) {
    return rules(history, {.stale_repeats = stale}).find("order") != std::string::npos;
  };
  EXPECT_TRUE(has_order(false));
  EXPECT_FALSE(has_order(true));
  history.logged.back().number = 7;
  EXPECT_TRUE(has_order(true)) << "a number left out is no stale repeat";
}

TEST(Checker, FindsTooManyDuplicates) {
  auto history = good();
  history.faults = 1;
  history.window_rows = 2;
  for (std::int64_t number = 3; number <= 5; ++number) history.logged.push_back({1, number + 2, "k1", number});
  EXPECT_EQ(rules(history), "duplicates ");
}

TEST(Checker, FindsADatabaseThatForgot) {
  auto history = good();
  history.acknowledged.push_back({"k0", 6});
  EXPECT_EQ(rules(history), "database ");
}

TEST(Checker, FindsARunThatProvedNothing) {
  EXPECT_EQ(rules(good(), {.committed_min = 11, .faults_min = 0}), "vacuity ");
  EXPECT_EQ(rules(good(), {.committed_min = 1, .faults_min = 1}), "vacuity ");
}

}  // namespace
}  // namespace fault
