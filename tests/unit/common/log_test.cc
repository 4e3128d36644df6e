// Log lines: their form, and that no text from outside can forge one.
#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace logging = common::log;
using testing::HasSubstr;
using testing::MatchesRegex;

namespace {

// What `write` logs to stderr.
template <class Write>
std::string logged(logging::Level level, logging::Format format, const Write& write) {
  logging::configure(level, format);
  testing::internal::CaptureStderr();
  write();
  std::string text = testing::internal::GetCapturedStderr();
  logging::configure(logging::Level::info, logging::Format::automatic);
  return text;
}

}  // namespace

TEST(Log, WritesText) {
  const std::string line = logged(logging::Level::info, logging::Format::text, [] {
    logging::warn("lease lost",
                  {{"source", "shop"}, {"epoch", 3}, {"reason", "two words"}, {"empty", ""}, {"flag", true}});
  });
  EXPECT_THAT(
      line,
      MatchesRegex(".*T.*\\....Z warn  lease lost source=shop epoch=3 reason=\"two words\" empty=\"\" flag=true\n"));
}

TEST(Log, WritesJsonLines) {
  const std::string line = logged(logging::Level::info, logging::Format::json, [] {
    logging::error("lease lost",
                   {{"source", "shop\"x"}, {"epoch", 3}, {"share", std::numeric_limits<double>::quiet_NaN()}});
  });
  EXPECT_THAT(
      line, MatchesRegex("\\{\"time\":\".*Z\",\"level\":\"error\",\"event\":\"lease lost\",\"source\":\"shop\\\\\"x\","
                         "\"epoch\":3,\"share\":\"-?nan\"\\}\n"));
}

TEST(Log, KeepsOneEventOnOneLine) {
  for (const auto format : {logging::Format::text, logging::Format::json}) {
    const std::string line = logged(logging::Level::info, format, [] {
      logging::info("a", {{"reason", "x\n2026-01-01T00:00:00.000Z error forged"}, {"bad", "\xFF\x1B[31m"}});
    });
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
    EXPECT_EQ(line.find('\x1B'), std::string::npos) << line;
    EXPECT_EQ(line.find('\xFF'), std::string::npos) << line;
  }
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
  const std::string text = logged(logging::Level::warn, logging::Format::text, [] {
    logging::debug("d");
    logging::info("i");
    logging::warn("w");
  });
  EXPECT_THAT(text, HasSubstr("w"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}
