// Metrics and their text.
#include "common/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <thread>

using common::Metrics;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, PrintsEachKind) {
  Metrics metrics;
  metrics.counter("a_total", "Say \"what\"\nit is.", {{"topic", "x\"y\\z\n"}}).add(3);
  metrics.gauge("b", "A gauge.").set(1.5);
  auto& histogram = metrics.histogram("c_seconds", "A histogram.", {{"s", "1"}}, {0.1, 1});
  histogram.observe(0.1);
  histogram.observe(0.5, 2);
  histogram.observe(7);
  EXPECT_EQ(metrics.render(),
            "# HELP a_total Say \"what\"\\nit is.\n# TYPE a_total counter\na_total{topic=\"x\\\"y\\\\z\\n\"} 3\n"
            "# HELP b A gauge.\n# TYPE b gauge\nb 1.5\n"
            "# HELP c_seconds A histogram.\n# TYPE c_seconds histogram\n"
            "c_seconds_bucket{s=\"1\",le=\"0.1\"} 1\nc_seconds_bucket{s=\"1\",le=\"1\"} 3\n"
            "c_seconds_bucket{s=\"1\",le=\"+Inf\"} 4\nc_seconds_sum{s=\"1\"} 8.1\nc_seconds_count{s=\"1\"} 4\n");
}

TEST(Metrics, GivesTheSameHandleForTheSameLabels) {
  Metrics metrics;
  auto& one = metrics.counter("a_total", "", {{"x", "1"}});
  EXPECT_EQ(&one, &metrics.counter("a_total", "", {{"x", "1"}}));
  EXPECT_NE(&one, &metrics.counter("a_total", "", {{"x", "2"}}));
}

TEST(Metrics, PrintsWhatIsNoFiniteNumber) {
  Metrics metrics;
  metrics.gauge("a", "").set(std::numeric_limits<double>::quiet_NaN());
  metrics.gauge("b", "").set(-std::numeric_limits<double>::infinity());
  EXPECT_THAT(metrics.render(), HasSubstr("\na NaN\n"));
  EXPECT_THAT(metrics.render(), HasSubstr("\nb -Inf\n"));
}

TEST(Metrics, CapsAFloodOfLabels) {
  Metrics metrics;
  for (int i = 0; i < 5'000; ++i) {
    metrics.counter("a_total", "", {{"source", "shop"}, {"topic", std::to_string(i)}}).add();
  }
  const std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr("a_total{source=\"shop\",topic=\"_other\"} 4000\n"));
  EXPECT_THAT(text, Not(HasSubstr("topic=\"1000\"")));
  // What was there before the flood keeps its own.
  metrics.counter("a_total", "", {{"source", "shop"}, {"topic", "7"}}).add();
  EXPECT_THAT(metrics.render(), HasSubstr("topic=\"7\"} 2\n"));
}

TEST(Metrics, CapsAFloodInTheFirstLabelToo) {
  Metrics metrics;
  for (int i = 0; i < 5'000; ++i) metrics.gauge("a", "", {{"x", std::to_string(i)}, {"y", "1"}}).set(1);
  const std::string text = metrics.render();
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 2'003);
  EXPECT_THAT(text, HasSubstr("a{x=\"_other\",y=\"_other\"} 1\n"));
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        metrics.counter("a_total", "", {{"x", std::to_string(i % 10)}}).add();
        metrics.histogram("b", "").observe(0.5);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(metrics.render(), HasSubstr("a_total{x=\"3\"} 4000\n"));
  EXPECT_THAT(metrics.render(), HasSubstr("b_sum 20000\nb_count 40000\n"));
}
