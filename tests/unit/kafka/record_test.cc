// Headers, sizes and refusals of a row as a record.
#include "relay/kafka/record.h"

#include <gtest/gtest.h>

#include "tests/unit/kafka/mock_cluster.h"

namespace relay::kafka {
namespace {

using std::chrono::microseconds;
using testing::make_row;

TEST(Record, OwnHeadersAreTheContracts) {
  core::Row row = make_row(42, "orders", "k");
  row.created_at = microseconds(1'700'000'000'000'001);
  const OwnHeaders own = own_headers("shop", row);
  EXPECT_EQ(own.message_id, "shop/42-1700000000000001");
  EXPECT_EQ(own.created_at, "2023-11-14T22:13:20.000001Z");
  EXPECT_EQ(own.redrive, "");
}

TEST(Record, TimesBefore1970AndRedrives) {
  core::Row row = make_row(1, "orders", "k");
  row.created_at = microseconds(-1);
  row.redrives = 3;
  const OwnHeaders own = own_headers("shop", row);
  EXPECT_EQ(own.message_id, "shop/1--1");
  EXPECT_EQ(own.created_at, "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(own.redrive, "3");
}

TEST(Record, YearsBeyondFourDigitsKeepThem) {
  core::Row row = make_row(1, "orders", "k");
  row.created_at = microseconds(253'402'300'800'000'000);
  EXPECT_EQ(own_headers("shop", row).created_at, "10000-01-01T00:00:00.000000Z");
}

TEST(Record, TopicNames) {
  for (const char* good : {"a", "orders.v1", "A_b-9", "..."}) EXPECT_TRUE(is_topic_name(good)) << good;
  for (const char* bad : {"", ".", "..", "a b", "a/b", "ä", "a\n"}) EXPECT_FALSE(is_topic_name(bad)) << bad;
  EXPECT_TRUE(is_topic_name(std::string(249, 'x')));
  EXPECT_FALSE(is_topic_name(std::string(250, 'x')));
}

TEST(Record, FormIsRefusedForGood) {
  core::Row row = make_row(5, "no spaces", "k");
  auto refused = refuse_form(row);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->id, core::RowId(5));
  EXPECT_EQ(refused->scope, core::Scope::row);
  EXPECT_TRUE(refused->permanent);
  EXPECT_EQ(refused->error_class, "invalid_topic");

  row = make_row(5, "orders", "k");
  row.headers = {{"outbox-message-id", "mine"}};
  refused = refuse_form(row);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error_class, "invalid_headers");

  row = make_row(5, "orders", "k");
  row.defect = "headers: not an object of strings";
  refused = refuse_form(row);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message, "headers: not an object of strings");
  EXPECT_TRUE(refused->permanent);

  EXPECT_FALSE(refuse_form(make_row(5, "orders", std::nullopt)));
}

// By hand: 61 of the batch; the record is 1 (length) + 1 + 1 + 1 + key 1+1 + body 1+4 + count 1
// + (1+17 + 1+23) + (1+17 + 1+27) = 61 + 1 + 99 with a length that fits into two bytes.
TEST(Record, SizeOfASmallBatchByHand) {
  core::Row row = make_row(42, "orders", "k", "body");
  row.created_at = microseconds(1'700'000'000'000'001);
  const std::int64_t record = 3 + 2 + 5 + 1 + (1 + 17 + 1 + 24) + (1 + 17 + 1 + 27);
  EXPECT_EQ(own_headers("shop", row).message_id.size(), 24U);
  EXPECT_EQ(single_batch_bytes("shop", row), 61 + 2 + record);
}

TEST(Record, NullsAreOneByte) {
  core::Row row = make_row(42, "orders", "", "");
  const auto with_empty = single_batch_bytes("shop", row);
  row.key.reset();
  row.body.reset();
  EXPECT_EQ(single_batch_bytes("shop", row), with_empty);
}

}  // namespace
}  // namespace relay::kafka
