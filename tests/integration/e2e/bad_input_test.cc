// Rows that no sink can take: each goes its failure's way alone, with a readable fail_msg, and its neighbours flow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/e2e/world.h"

namespace e2e {
namespace {

using testing::HasSubstr;

struct BadRow {
  const char* name;
  const char* columns;
  const char* values;
  const char* reason;  // part of fail_msg
};

class BadInput : public testing::TestWithParam<BadRow> {};

TEST_P(BadInput, DiesAloneWithAReason) {
  const World world;
  const auto& bad = GetParam();
  const auto before = world.insert("t", "a", "before");
  const auto id = std::stoll(world.sql(std::string("INSERT INTO message_record (") + bad.columns + ") VALUES (" +
                                       bad.values + ") RETURNING id"));
  const auto after = world.insert("t", "b", "after");
  ASSERT_TRUE(world.becomes(before, 1));
  ASSERT_TRUE(world.becomes(after, 1));
  ASSERT_TRUE(world.becomes(id, 2)) << world.column(id, "fail_msg");
  EXPECT_THAT(world.column(id, "fail_msg"), HasSubstr(bad.reason));
  EXPECT_EQ(world.column(id, "attempts"), "1") << "no waiting can mend it";
}

INSTANTIATE_TEST_SUITE_P(Rows, BadInput,
                         testing::Values(BadRow{"empty_topic", "topic, body", "'', 'x'", "topic"},
                                         BadRow{"illegal_topic", "topic, body", "'no spaces', 'x'", "topic"},
                                         BadRow{"dots", "topic, body", "'..', 'x'", "topic"},
                                         BadRow{"headers_array", "topic, body, headers", "'t', 'x', '[1]'", "headers"},
                                         BadRow{"headers_number", "topic, body, headers", "'t', 'x', '{\"a\": 1}'",
                                                "headers"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(BadInput, ANeverEndingCreatedAtIsRefusedByTheTableOrDiesAlone) {
  const World world;
  const auto before = world.insert("t", "a", "before");
  bool refused = false;
  try {
    world.sql("INSERT INTO message_record (topic, body, created_at) VALUES ('t', 'x', 'infinity')");
  } catch (const std::exception&) {
    refused = true;
  }
  const auto after = world.insert("t", "b", "after");
  ASSERT_TRUE(world.becomes(before, 1));
  ASSERT_TRUE(world.becomes(after, 1));
  if (!refused) {
    ASSERT_TRUE(world.becomes(before + 1, 2));
    EXPECT_THAT(world.column(before + 1, "fail_msg"), HasSubstr("created_at"));
  }
}

TEST(BadInput, AByteThatDoesNotConvertHarmsNoNeighbour) {
  const World world({.encoding = "SQL_ASCII"});
  world.sql(
      "INSERT INTO message_record (topic, message_key, body) SELECT 't', 'k' || i, 'good' "
      "FROM generate_series(1, 200) i");
  world.sql("INSERT INTO message_record (topic, message_key, body) VALUES ('t', 'bad', E'\\xff\\xfe')");
  world.sql(
      "INSERT INTO message_record (topic, message_key, body) SELECT 't', 'k' || i, 'good' "
      "FROM generate_series(1, 200) i");
  ASSERT_TRUE(world.becomes(401, 1));
  ASSERT_TRUE(world.becomes(201, 2)) << world.relay.log();
  EXPECT_THAT(world.column(201, "fail_msg"), HasSubstr("body"));
  EXPECT_EQ(world.sql("SELECT count(*) FROM message_record WHERE status <> 1"), "1");
}

}  // namespace
}  // namespace e2e
