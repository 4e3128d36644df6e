// Failures of single rows: what is refused goes its own way with a readable reason, its neighbours flow, and no later
// row of its key overtakes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/log_reader.h"
#include "tests/integration/e2e/world.h"
#include "tests/support/wait_until.h"

namespace e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Rows, ADeliveredRowSaysWhereItLiesAndTheRecordWhoItIs) {
  const World world;
  world.sql(
      "INSERT INTO message_record (topic, message_key, body, headers) VALUES ('t', 'k', 'hello', '{\"a\": \"b\"}')");
  ASSERT_TRUE(world.becomes(1, 1));
  const auto records = fault::read_raw_log(world.broker.address(), "t");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].body, "hello");
  EXPECT_EQ(records[0].headers.at("a"), "b");
  EXPECT_EQ(records[0].headers.at("outbox-message-id"),
            "shop/1-" + world.sql("SELECT (extract(epoch FROM created_at) * 1000000)::bigint FROM message_record"));
  EXPECT_EQ(world.column(1, "sent_partition"), std::to_string(records[0].partition));
  EXPECT_EQ(world.column(1, "sent_offset"), std::to_string(records[0].offset));
}

TEST(Rows, ADeliveredRowIsDeletedOnceItWasKeptLongEnough) {
  const World world({.source = "keep_delivered = \"0s\""});
  world.insert("t", "k", "short-lived");
  ASSERT_TRUE(test_support::wait_until([&] { return world.sql("SELECT count(*) FROM message_record") == "0"; }));
  EXPECT_THAT(world.log("t"), ElementsAre("k=short-lived"));
}

TEST(Rows, ARefusedRowDiesAfterItsAttemptsAndHoldsItsKeyOnly) {
  const World world({.topics = {"small:10000"}});
  const auto big =
      std::stoll(world.sql("INSERT INTO message_record (topic, message_key, body) VALUES ('small', 'hot', repeat('x', "
                           "20000)) RETURNING id"));
  const auto behind = world.insert("small", "hot", "behind");
  const auto other = world.insert("small", "cold", "other");
  ASSERT_TRUE(world.becomes(other, 1));
  ASSERT_TRUE(world.becomes(big, 2)) << world.relay.log();
  EXPECT_EQ(world.column(big, "attempts"), "3");
  EXPECT_THAT(world.column(big, "fail_msg"), HasSubstr("10000"));
  EXPECT_EQ(world.column(behind, "status"), "0");
  EXPECT_EQ(world.column(behind, "attempts"), "0");
  EXPECT_TRUE(test_support::wait_until([&] { return !world.alerts().empty(); }));

  world.sql("UPDATE message_record SET status = 4 WHERE id = " + std::to_string(big));
  ASSERT_TRUE(world.becomes(behind, 1));
  EXPECT_THAT(world.log("small"), testing::UnorderedElementsAre("cold=other", "hot=behind"));
}

TEST(Rows, ADeadRowThatIsSentAgainGoesBeforeTheRowsItHeld) {
  const World world({.topics = {"small:10000"}});
  const auto big =
      std::stoll(world.sql("INSERT INTO message_record (topic, message_key, body) VALUES ('small', 'hot', repeat('x', "
                           "20000)) RETURNING id"));
  const auto behind = world.insert("small", "hot", "behind");
  ASSERT_TRUE(world.becomes(big, 2));
  world.sql(
      "UPDATE message_record SET body = 'mended', status = 0, attempts = 0, redrives = redrives + 1, "
      "next_attempt_at = clock_timestamp() WHERE id = " +
      std::to_string(big));
  ASSERT_TRUE(world.becomes(behind, 1));
  EXPECT_THAT(world.log("small"), ElementsAre("hot=mended", "hot=behind"));
}

TEST(Rows, ADeadRowHoldsNobodyWhenDeadRowsAreSkipped) {
  const World world({.source = "dead_rows = \"skip\"", .topics = {"small:10000"}});
  const auto big =
      std::stoll(world.sql("INSERT INTO message_record (topic, message_key, body) VALUES ('small', 'hot', repeat('x', "
                           "20000)) RETURNING id"));
  const auto behind = world.insert("small", "hot", "behind");
  ASSERT_TRUE(world.becomes(behind, 1));
  EXPECT_EQ(world.column(big, "status"), "2") << "it was dead before the later one went out";
}

TEST(Rows, AnOversizedRowAmongManyHarmsNoneOfThem) {
  const World world({.topics = {"small:10000"}});
  world.sql(
      "INSERT INTO message_record (topic, message_key, body) SELECT 'small', 'key-' || i % 1000, "
      "repeat('x', CASE WHEN i = 50000 THEN 20000 ELSE 200 END) FROM generate_series(1, 100000) i");
  const std::string left = "SELECT count(*) FROM message_record WHERE status = 0";
  // All but the oversized row and the 50 rows of its key behind it.
  ASSERT_TRUE(test_support::wait_until([&] { return world.sql(left) == "50"; })) << world.sql(left);
  EXPECT_EQ(world.sql("SELECT count(*) FROM message_record WHERE attempts > 0 AND id <> 50000"), "0");
  const auto records = fault::read_raw_log(world.broker.address(), "small");
  EXPECT_GE(records.size(), 99'949U);
  EXPECT_LE(records.size(), 99'949U + 10'000U) << "one refusal repeats at most what was in flight";
  ASSERT_TRUE(world.becomes(50'000, 2));
}

}  // namespace
}  // namespace e2e
