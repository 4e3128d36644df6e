// Durations and sizes: what is read, what is refused with which way out.
#include "common/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.h"

using common::ByteSize;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Units, ReadsDurations) {
  const std::pair<const char*, std::int64_t> table[] = {
      {"10s", 10'000},     {"500ms", 500}, {"1m30s", 90'000},           {"24h", 86'400'000},
      {"7d", 604'800'000}, {"0s", 0},      {"1d2h3m4s5ms", 93'784'005}, {"36500d", 36'500LL * 86'400'000}};
  for (const auto& [text, expected] : table) {
    const auto parsed = common::parse_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.problem;
    EXPECT_EQ(parsed->count(), expected) << text;
  }
}

TEST(Units, RefusesDurationsWithTheWayOut) {
  const std::pair<const char*, const char*> table[] = {{"", "write a whole number with a unit"},
                                                       {"10", "\"10\" has no unit"},
                                                       {"10sec", "\"sec\" is no unit"},
                                                       {"1.5s", "is no duration"},
                                                       {"-1s", "is no duration"},
                                                       {"s", "is no duration"},
                                                       {"10 s", "is no duration"},
                                                       {"30s1m", "from large to small"},
                                                       {"1s1s", "from large to small"},
                                                       {"99999999999999999999s", "is no duration"},
                                                       {"36501d", "longer than the longest"},
                                                       {"9223372036854775807d", "longer than the longest"},
                                                       {"10us", "\"us\" is no unit"},
                                                       {"1m30", "has no unit"},
                                                       {"+1s", "is no duration"},
                                                       {"10S", "\"S\" is no unit"}};
  for (const auto& [text, part] : table) {
    const auto parsed = common::parse_duration(text);
    EXPECT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.problem, HasSubstr(part)) << text;
  }
}

TEST(Units, ReadsSizes) {
  const std::pair<const char*, std::int64_t> table[] = {{"0B", 0},          {"512B", 512},       {"64KiB", 65'536},
                                                        {"16MiB", 1 << 24}, {"1GiB", 1LL << 30}, {"1MB", 1'000'000},
                                                        {"2kB", 2'000},     {"8TiB", 8LL << 40}};
  for (const auto& [text, expected] : table) {
    const auto parsed = common::parse_size(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.problem;
    EXPECT_EQ(parsed->value(), expected) << text;
  }
}

TEST(Units, RefusesSizesWithTheWayOut) {
  const std::pair<const char*, const char*> table[] = {
      {"", "write a whole number with a unit"},  {"16", "\"16\" has no unit"}, {"16M", "\"M\" is no unit"},
      {"16mib", "\"mib\" is no unit"},           {"1.5GiB", "is no size"},     {"-1B", "is no size"},
      {"9999999TiB", "larger than the largest"}, {"16 MiB", "is no size"},     {"1GiB1B", "is no size"}};
  for (const auto& [text, part] : table) {
    const auto parsed = common::parse_size(text);
    EXPECT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.problem, HasSubstr(part)) << text;
  }
}

TEST(Units, WritesWhatReadsTheSame) {
  EXPECT_EQ(common::format_duration(milliseconds(90'000)), "1m30s");
  EXPECT_EQ(common::format_duration(milliseconds(86'400'000)), "24h");
  EXPECT_EQ(common::format_duration(milliseconds(604'800'000)), "7d");
  EXPECT_EQ(common::format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(common::format_size(ByteSize(1 << 24)), "16MiB");
  EXPECT_EQ(common::format_size(ByteSize(0)), "0B");
  std::mt19937_64 random(test_support::seed());
  for (int i = 0; i < 2'000; ++i) {
    const milliseconds duration(static_cast<std::int64_t>(random() % (1ULL << (random() % 41))));
    const auto again = common::parse_duration(common::format_duration(duration));
    ASSERT_TRUE(again) << common::format_duration(duration);
    EXPECT_EQ(*again, duration);
    const ByteSize size(static_cast<std::int64_t>(random() >> (1 + random() % 62)));
    const auto size_again = common::parse_size(common::format_size(size));
    ASSERT_TRUE(size_again) << common::format_size(size);
    EXPECT_EQ(*size_again, size);
  }
}
