// Poll, sweep, due and load against a real PostgreSQL.
#include <gmock/gmock.h>

#include <limits>

#include "tests/integration/pg/pg_fixture.h"
#include "tests/support/wait_until.h"

namespace pg_test {
namespace {

using relay::core::IdRange;
using relay::core::PollResult;
using relay::core::RowId;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class Reader : public PgTest {
 protected:
  void SetUp() override {
    PgTest::SetUp();
    reader_ = relay::pg::make_reader(options_);
  }
  PollResult poll(std::int64_t after = 0, std::vector<IdRange> gaps = {}, int rows_max = 1000,
                  std::int64_t bytes_max = 1 << 24) {
    return reader_->poll({.after = RowId(after), .gaps = gaps, .rows_max = rows_max, .bytes_max = bytes_max});
  }
  std::unique_ptr<relay::core::OutboxReader> reader_;
};

TEST_F(Reader, GivesEveryColumnOfARow) {
  execute(
      "INSERT INTO message_record (topic, message_key, body, headers, confirmed, msg_log_id, msg_log_url, attempts, "
      "checks, unknown_checks, redrives, created_at, first_check_at, next_check_at) VALUES "
      "('orders', 'k', 'body ☃', '{\"a\": \"1\", \"ä\": \"ü\\n\"}', false, 'l', 'http://x', 3, 5, 4, 2, "
      "'2026-01-02 03:04:05.678901+00', clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour')");
  const PollResult page = poll();
  ASSERT_EQ(page.rows.size(), 1U);
  const auto& row = page.rows[0];
  EXPECT_EQ(row.id, RowId(1));
  EXPECT_EQ(row.topic, "orders");
  EXPECT_EQ(row.key, "k");
  EXPECT_EQ(row.body, "body ☃");
  EXPECT_THAT(row.headers, testing::UnorderedElementsAre(testing::Pair("a", "1"), testing::Pair("ä", "ü\n")));
  EXPECT_FALSE(row.defect);
  EXPECT_FALSE(row.confirmed);
  EXPECT_EQ(row.msg_log_id, "l");
  EXPECT_EQ(row.msg_log_url, "http://x");
  EXPECT_EQ(row.attempts, 3);
  EXPECT_EQ(row.checks, 5);
  EXPECT_EQ(row.unknown_checks, 4);
  EXPECT_EQ(row.redrives, 2);
  EXPECT_EQ(row.created_at, microseconds(1767323045678901));
  EXPECT_GT(row.since_first_check, seconds(3599));
  EXPECT_LT(row.since_first_check, seconds(3700));
  EXPECT_GT(row.due_in, seconds(3500));
  EXPECT_LE(row.due_in, seconds(3600));
  EXPECT_EQ(page.last_seen, RowId(1));
  EXPECT_EQ(page.highest_id, RowId(1));
  EXPECT_FALSE(page.more);
}

TEST_F(Reader, NullsBecomeNothing) {
  execute("INSERT INTO message_record (topic) VALUES ('t')");
  const PollResult page = poll();
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_FALSE(page.rows[0].key);
  EXPECT_FALSE(page.rows[0].body);
  EXPECT_THAT(page.rows[0].headers, IsEmpty());
  EXPECT_TRUE(page.rows[0].confirmed);
  EXPECT_EQ(page.rows[0].due_in, microseconds(0));
  EXPECT_LT(page.rows[0].since_first_check, microseconds(0));
}

TEST_F(Reader, EmptyTableStillHasASnapshot) {
  const PollResult page = poll(7);
  EXPECT_THAT(page.rows, IsEmpty());
  EXPECT_EQ(page.last_seen, RowId(7));
  EXPECT_EQ(page.highest_id, RowId(0));
  EXPECT_GT(page.snapshot.xmax.value(), 0U);
  EXPECT_GT(page.insert_lsn.value(), 0U);
}

TEST_F(Reader, MeetsWaitingAndDeadRowsOnly) {
  insert_rows(5);
  execute("UPDATE message_record SET status = id - 1");  // 0 to 4
  const PollResult page = poll();
  EXPECT_THAT(ids(page.rows), ElementsAre(1));
  EXPECT_THAT(ids(page.dead), ElementsAre(3));
  EXPECT_TRUE(page.dead[0].dead);
  EXPECT_EQ(page.dead[0].key, "k");
  EXPECT_EQ(page.last_seen, RowId(3));
  EXPECT_EQ(page.highest_id, RowId(5));
}

TEST_F(Reader, RowsMaxCutsAndSaysSo) {
  insert_rows(5);
  const PollResult page = poll(0, {}, 3);
  EXPECT_THAT(ids(page.rows), ElementsAre(1, 2, 3));
  EXPECT_TRUE(page.more);
  EXPECT_TRUE(page.gaps_complete);
  EXPECT_EQ(page.last_seen, RowId(3));
  EXPECT_THAT(ids(poll(3, {}, 3).rows), ElementsAre(4, 5));
}

TEST_F(Reader, BytesMaxCutsButTheFirstRowAlwaysComes) {
  execute(
      "INSERT INTO message_record (topic, body) SELECT 't', repeat('x', n) FROM unnest(ARRAY[50000, 10, 40, 100]) n");
  const PollResult first = poll(0, {}, 100, 60);
  EXPECT_THAT(ids(first.rows), ElementsAre(1));
  EXPECT_EQ(first.rows[0].body->size(), 50000U);
  EXPECT_TRUE(first.more);
  const PollResult second = poll(1, {}, 100, 60);
  EXPECT_THAT(ids(second.rows), ElementsAre(2, 3));
  EXPECT_EQ(second.rows[1].body->size(), 40U);
  EXPECT_EQ(second.last_seen, RowId(3));
  EXPECT_TRUE(second.more);
  const PollResult all = poll(0, {}, 100, 1 << 20);
  EXPECT_THAT(ids(all.rows), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(all.rows[0].body->size(), 50000U);
  EXPECT_FALSE(all.more);
}

TEST_F(Reader, GapsAreReadInTheSameOrder) {
  insert_rows(10);
  execute("DELETE FROM message_record WHERE id = 3");
  const PollResult page = poll(8, {{RowId(2), RowId(4)}, {RowId(6), RowId(6)}});
  EXPECT_THAT(ids(page.rows), ElementsAre(2, 4, 6, 9, 10));
  EXPECT_TRUE(page.gaps_complete);
  EXPECT_FALSE(page.more);
}

TEST_F(Reader, AGapCutOffIsNotComplete) {
  insert_rows(10);
  const PollResult page = poll(8, {{RowId(2), RowId(5)}}, 3);
  EXPECT_THAT(ids(page.rows), ElementsAre(2, 3, 4));
  EXPECT_FALSE(page.gaps_complete);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.last_seen, RowId(8));
  const PollResult bytes = poll(8, {{RowId(2), RowId(5)}}, 100, 12);
  EXPECT_THAT(ids(bytes.rows), ElementsAre(2, 3));
  EXPECT_FALSE(bytes.gaps_complete);
  const PollResult past = poll(8, {{RowId(2), RowId(3)}}, 3);
  EXPECT_THAT(ids(past.rows), ElementsAre(2, 3, 9));
  EXPECT_TRUE(past.gaps_complete);
  EXPECT_TRUE(past.more);
}

TEST_F(Reader, ALateCommitIsInTheSnapshotAsInProgressAndFoundInItsGap) {
  relay::pg::Connection late = session();
  late.execute("BEGIN");
  late.execute("INSERT INTO message_record (topic) VALUES ('late')");
  const auto late_transaction = std::stoull(std::string(late.execute("SELECT pg_current_xact_id()::text").value(0, 0)));
  insert_rows(1);
  const PollResult before = poll();
  EXPECT_THAT(ids(before.rows), ElementsAre(2));
  EXPECT_THAT(before.snapshot.in_progress, testing::Contains(relay::core::TransactionId(late_transaction)));
  EXPECT_LE(before.snapshot.xmin.value(), late_transaction);
  late.execute("COMMIT");
  const PollResult after = poll(2, {{RowId(1), RowId(1)}});
  EXPECT_THAT(ids(after.rows), ElementsAre(1));
  EXPECT_GT(after.snapshot.xmin.value(), late_transaction);
}

TEST_F(Reader, UnconvertedDefectsAreNamed) {
  execute(
      "INSERT INTO message_record (topic, headers) VALUES ('t', '[1]'), ('t', '{\"a\": 1}'), ('t', '\"x\"'), "
      "('t', 'null'), ('t', '{}')");
  execute("INSERT INTO message_record (topic, created_at) VALUES ('t', 'infinity'), ('t', '-infinity')");
  const PollResult page = poll();
  ASSERT_EQ(page.rows.size(), 7U);
  for (int i : {0, 1, 2, 3}) EXPECT_THAT(*page.rows[i].defect, testing::HasSubstr("headers"));
  EXPECT_FALSE(page.rows[4].defect);
  for (int i : {5, 6}) EXPECT_EQ(page.rows[i].defect, "created_at is infinite");
  EXPECT_EQ(reader_->sweep(RowId(0), RowId(100), 100).size(), 7U);
}

TEST_F(Reader, OddTimesSaturate) {
  execute(
      "INSERT INTO message_record (topic, next_attempt_at, created_at) VALUES ('t', 'infinity', '294276-12-31'), "
      "('t', '-infinity', '4713-01-01 BC')");
  const PollResult page = poll();
  EXPECT_EQ(page.rows[0].due_in, microseconds::max());
  EXPECT_EQ(page.rows[1].due_in, microseconds::min());
  EXPECT_LT(page.rows[1].created_at, microseconds(0));
  EXPECT_FALSE(page.rows[1].defect);
}

TEST_F(Reader, BodyMayBeBinaryOrJson) {
  execute("ALTER TABLE message_record ALTER body TYPE bytea USING convert_to(body, 'UTF8')");
  execute("INSERT INTO message_record (topic, body) VALUES ('t', '\\x00ff80'), ('t', NULL)");
  reader_ = relay::pg::make_reader(options_);
  PollResult page = poll();
  EXPECT_EQ(page.rows[0].body, std::string("\x00\xff\x80", 3));
  EXPECT_FALSE(page.rows[1].body);
  for (const std::string type : {"json", "jsonb"}) {
    execute("TRUNCATE message_record RESTART IDENTITY");
    execute(
        "ALTER TABLE message_record ALTER body TYPE text USING ''; "
        "ALTER TABLE message_record ALTER body TYPE " +
        type + " USING body::" + type);
    execute("INSERT INTO message_record (topic, body) VALUES ('t', '{\"a\": 1}')");
    reader_ = relay::pg::make_reader(options_);
    page = poll();
    EXPECT_EQ(page.rows[0].body, "{\"a\": 1}") << type;
    page = poll(0, {}, 1000, 10);  // too large to come along
    EXPECT_EQ(page.rows[0].body, "{\"a\": 1}") << type;
  }
}

TEST_F(Reader, SweepPagesHeadlines) {
  insert_rows(6);
  execute("UPDATE message_record SET status = 2 WHERE id = 2; UPDATE message_record SET status = 1 WHERE id = 3");
  const auto page = reader_->sweep(RowId(1), RowId(5), 2);
  ASSERT_THAT(ids(page), ElementsAre(2, 4));
  EXPECT_TRUE(page[0].dead);
  EXPECT_FALSE(page[1].dead);
  EXPECT_GT(page[0].created_at, microseconds(1'700'000'000'000'000));
  EXPECT_THAT(ids(reader_->sweep(RowId(4), RowId(5), 2)), ElementsAre(5));
}

TEST_F(Reader, DueGivesRetriesAndCheckBacksTheLongestDueFirst) {
  insert_rows(8);
  execute(
      "UPDATE message_record SET next_attempt_at = now() - interval '1 s' WHERE id = 1;"
      "UPDATE message_record SET next_attempt_at = now() - interval '3 s' WHERE id = 2;"
      "UPDATE message_record SET next_attempt_at = now() + interval '1 h' WHERE id = 3;"
      "UPDATE message_record SET confirmed = false, next_check_at = now() - interval '2 s' WHERE id = 4;"
      "UPDATE message_record SET confirmed = false, next_check_at = now() + interval '1 h' WHERE id = 5;"
      "UPDATE message_record SET confirmed = false, created_at = now() - interval '10 s' WHERE id = 6;"
      "UPDATE message_record SET confirmed = false WHERE id = 7;"
      "UPDATE message_record SET status = 2, next_attempt_at = now() - interval '9 s' WHERE id = 8");
  const auto due = reader_->due(milliseconds(6000), 10);
  EXPECT_THAT(ids(due), ElementsAre(6, 2, 4, 1));
  for (const auto& one : due) EXPECT_LE(one.due_in, microseconds(0));
  EXPECT_THAT(ids(reader_->due(milliseconds(6000), 2)), ElementsAre(6, 2));
  EXPECT_THAT(ids(reader_->due(milliseconds(3600000), 10)), ElementsAre(2, 4, 1));
}

TEST_F(Reader, AConfirmedRowIsDueAtOnce) {
  execute("SELECT outbox_prepare('t', 'k', 'b', NULL, 'l', 'http://x')");
  EXPECT_THAT(reader_->due(milliseconds(6000), 10), IsEmpty());
  execute("SELECT outbox_confirm(1)");
  const auto due = reader_->due(milliseconds(6000), 10);
  ASSERT_THAT(ids(due), ElementsAre(1));
  EXPECT_TRUE(due[0].confirmed);
}

TEST_F(Reader, LoadGivesWaitingRowsWithinBytes) {
  execute("INSERT INTO message_record (topic, body) SELECT 't', repeat('x', 100) FROM generate_series(1, 6)");
  execute("UPDATE message_record SET status = 2 WHERE id = 2");
  const std::vector<RowId> wanted = {RowId(5), RowId(1), RowId(2), RowId(3), RowId(99)};
  EXPECT_THAT(ids(reader_->load(wanted, 1 << 20)), ElementsAre(1, 3, 5));
  EXPECT_THAT(ids(reader_->load(wanted, 200)), ElementsAre(1, 3));
  EXPECT_THAT(ids(reader_->load(wanted, 1)), ElementsAre(1));
  EXPECT_EQ(reader_->load(wanted, 1)[0].body->size(), 100U);
  EXPECT_THAT(reader_->load({}, 1), IsEmpty());
}

TEST_F(Reader, ARowNotFlushedShowsInThePositionsAndANudgeSettlesIt) {
  execute("SET synchronous_commit = off; INSERT INTO message_record (topic) VALUES ('t')");
  const PollResult page = poll();
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_GE(reader_->flushed(true), page.insert_lsn);
  // A position that waits for a flush is reached also when nothing else happens in the database.
  const PollResult quiet = poll();
  EXPECT_TRUE(test_support::wait_until([&] { return reader_->flushed(true) >= quiet.insert_lsn; }));
}

TEST_F(Reader, LocksNothing) {
  insert_rows(3);
  relay::pg::Connection other = session();
  other.execute("BEGIN");
  other.execute("LOCK TABLE message_record IN SHARE ROW EXCLUSIVE MODE");
  other.execute("SELECT * FROM message_record FOR UPDATE");
  EXPECT_EQ(poll().rows.size(), 3U);
  EXPECT_EQ(reader_->sweep(RowId(0), RowId(9), 10).size(), 3U);
  EXPECT_EQ(reader_->load(std::vector<RowId>{RowId(1)}, 100).size(), 1U);
}

TEST_F(Reader, ReconnectsAfterItsConnectionWasEnded) {
  insert_rows(1);
  EXPECT_EQ(poll().rows.size(), 1U);
  execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox-relay/poll' AND "
      "datname = current_database()");
  EXPECT_TRUE(test_support::wait_until([&] {
    return execute(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'outbox-relay/poll' AND datname = "
               "current_database()") == "0";
  }));
  try {
    poll();
    FAIL() << "a silent reconnect would hide that the connection broke";
  } catch (const relay::core::DatabaseError& error) {
    EXPECT_TRUE(error.retryable()) << error.what();
  }
  EXPECT_EQ(poll().rows.size(), 1U);
}

}  // namespace
}  // namespace pg_test
