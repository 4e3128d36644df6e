// Rights: the relay works with those of outbox_relay alone, a service with those of outbox_service alone.
#include <gmock/gmock.h>

#include "tests/integration/pg/pg_fixture.h"

namespace pg_test {
namespace {

using relay::core::Checked;
using relay::core::RowId;

class Roles : public PgTest {
 protected:
  void SetUp() override {
    PgTest::SetUp();
    execute(
        "DO $$ BEGIN CREATE ROLE a_relay LOGIN IN ROLE outbox_relay; EXCEPTION WHEN duplicate_object THEN END $$;"
        "DO $$ BEGIN CREATE ROLE a_service LOGIN IN ROLE outbox_service; EXCEPTION WHEN duplicate_object THEN END $$");
  }
  static void expect_denied(relay::pg::Connection& connection, const std::string& sql) {
    try {
      connection.execute(sql);
      ADD_FAILURE() << "allowed: " << sql;
    } catch (const relay::core::DatabaseError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("42501")) << sql;
    }
  }
};

TEST_F(Roles, TheRelayNeedsOnlyItsOwn) {
  insert_rows(5);
  execute(
      "UPDATE message_record SET confirmed = false WHERE id = 4; UPDATE message_record SET status = 3 WHERE id = 5");
  options_.dsn = dsn("a_relay");
  EXPECT_FALSE(relay::pg::register_source(options_, "shop").changed_from);
  const auto reader = relay::pg::make_reader(options_);
  EXPECT_EQ(reader->poll({.after = RowId(0), .gaps = {}, .rows_max = 10, .bytes_max = 1000}).rows.size(), 4U);
  EXPECT_EQ(reader->sweep(RowId(0), RowId(9), 10).size(), 4U);
  reader->due(std::chrono::seconds(1), 10);
  EXPECT_GT(reader->flushed(true).value(), 0U);
  const auto lease = relay::pg::make_lease_store(options_);
  const auto epoch = lease->take(lease->look()).value();
  EXPECT_TRUE(lease->renew(epoch));
  const auto marker = relay::pg::make_marker(options_);
  const auto result = marker->mark(epoch, {.delivered = {{RowId(1)}, {RowId(5)}},
                                           .failed = {{.id = RowId(2), .fail_msg = "no", .dead = true}},
                                           .checked = {{.id = RowId(4), .result = Checked::Result::ask_again}}});
  EXPECT_FALSE(result.fenced);
  EXPECT_EQ(result.conflicts.size(), 1U);
  relay::pg::Connection other = session();
  other.execute("BEGIN");
  other.execute("SELECT * FROM message_record WHERE id = 3 FOR UPDATE");
  EXPECT_EQ(marker->mark(epoch, {.delivered = {{RowId(3)}}}).blocked.size(), 1U);
  EXPECT_EQ(relay::pg::make_observer(options_)->newest_dead(5).size(), 1U);
  relay::pg::make_retention(options_)->purge_delivered(RowId(0), std::chrono::milliseconds(0), 1000);
  lease->release(epoch);

  relay::pg::Connection connection = session("a_relay");
  expect_denied(connection, "CREATE TABLE public.mine (a int)");
  expect_denied(connection, "ALTER TABLE message_record ADD mine int");
  expect_denied(connection, "SELECT outbox_begin('l')");
  expect_denied(connection, "UPDATE outbox_audit SET action = 'nothing'");
}

TEST_F(Roles, AServiceHasTheFunctionsAndThePlainInsertOnly) {
  relay::pg::Connection connection = session("a_service");
  EXPECT_EQ(
      connection.execute("INSERT INTO message_record (topic, message_key, body) VALUES ('t', 'k', 'b') RETURNING id")
          .value(0, 0),
      "1");
  EXPECT_EQ(connection.execute("SELECT outbox_publish('t', 'k', 'b', '{\"a\": \"b\"}')").value(0, 0), "2");
  EXPECT_EQ(connection.execute("SELECT outbox_prepare('t', 'k', 'b', NULL, 'l', 'http://x')").value(0, 0), "3");
  connection.execute("SELECT outbox_confirm(3)");
  connection.execute("SELECT outbox_prepare('t', 'k', 'b', NULL, 'l', 'http://x')");
  connection.execute("SELECT outbox_cancel(4)");
  connection.execute("SELECT outbox_begin('l')");
  EXPECT_EQ(connection.execute("SELECT outbox_check_back('l')").value(0, 0), "committed");
  EXPECT_EQ(connection.execute("SELECT inbox_claim('points', 'shop/1-1')").value(0, 0), "t");
  EXPECT_EQ(connection.execute("SELECT outbox_message_log_purge('7 days')").value(0, 0), "0");
  EXPECT_EQ(connection.execute("SELECT outbox_inbox_purge('1 day')").value(0, 0), "0");
  EXPECT_EQ(execute("SELECT string_agg(status || confirmed::text, ',' ORDER BY id) FROM message_record"),
            "0true,0true,0true,3false");
  expect_denied(connection, "SELECT body FROM message_record");
  expect_denied(connection, "UPDATE message_record SET status = 1");
  expect_denied(connection, "DELETE FROM message_record");
  expect_denied(connection, "DELETE FROM message_log");
  expect_denied(connection, "SELECT * FROM outbox_lease");
}

TEST_F(Roles, ATableOfTheCallersNamesNothingToTheFunctions) {
  // A search_path trap: the caller's own function and table of the same names must not be used.
  execute("CREATE SCHEMA trap AUTHORIZATION a_service");
  relay::pg::Connection connection = session("a_service");
  connection.execute(
      "CREATE TABLE trap.message_record (id bigint, confirmed boolean); "
      "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS "
      "$$ BEGIN RAISE EXCEPTION 'trapped'; END $$; SET search_path = trap, pg_catalog, public");
  connection.execute("SELECT public.outbox_prepare('t', 'k', 'b', NULL, 'l', 'http://x')");
  connection.execute("SELECT public.outbox_confirm(1)");
  EXPECT_EQ(number("SELECT count(*) FROM public.message_record WHERE confirmed"), 1);
}

}  // namespace
}  // namespace pg_test
