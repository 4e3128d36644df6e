// Marks against a real PostgreSQL: facts, fenced marks, blocked rows, conflicts.
#include <gmock/gmock.h>

#include "tests/integration/pg/pg_fixture.h"

namespace pg_test {
namespace {

using relay::core::Checked;
using relay::core::Epoch;
using relay::core::Failed;
using relay::core::MarkBatch;
using relay::core::MarkResult;
using relay::core::RowId;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Marker : public PgTest {
 protected:
  void SetUp() override {
    PgTest::SetUp();
    marker_ = relay::pg::make_marker(options_);
    lease_ = relay::pg::make_lease_store(options_);
    epoch_ = lease_->take(lease_->look()).value();
  }
  static Failed failed(std::int64_t id, std::string message = "refused", bool dead = false) {
    return {.id = RowId(id), .fail_msg = std::move(message), .dead = dead, .retry_in = milliseconds(10000)};
  }
  static Checked checked(std::int64_t id, Checked::Result result, std::string message = "") {
    return {.id = RowId(id),
            .result = result,
            .asked = true,
            .unknown = false,
            .fail_msg = std::move(message),
            .ask_in = milliseconds(6000)};
  }
  std::string column(const std::string& name, std::int64_t id) const {
    return execute("SELECT " + name + " FROM message_record WHERE id = " + std::to_string(id));
  }
  std::unique_ptr<relay::core::OutboxMarker> marker_;
  std::unique_ptr<relay::core::LeaseStore> lease_;
  Epoch epoch_;
};

TEST_F(Marker, DeliversManyInOneCall) {
  insert_rows(1000);
  MarkBatch batch;
  for (int i = 1000; i >= 1; --i) batch.delivered.push_back({RowId(i), i % 12, i * 10});
  const MarkResult result = marker_->mark(epoch_, batch);
  EXPECT_THAT(result.conflicts, IsEmpty());
  EXPECT_THAT(result.blocked, IsEmpty());
  EXPECT_FALSE(result.fenced);
  EXPECT_EQ(number("SELECT count(*) FROM message_record WHERE status = 1 AND sent_at <= clock_timestamp() "
                   "AND sent_partition = id % 12 AND sent_offset = id * 10"),
            1000);
  EXPECT_EQ(number("SELECT count(*) FROM outbox_event"), 0);
}

TEST_F(Marker, ADeliveryIsAFactWhoeverOwnsTheLease) {
  insert_rows(2);
  execute("UPDATE message_record SET status = 2 WHERE id = 2");
  const MarkResult result = marker_->mark(Epoch(epoch_.value() + 7), {.delivered = {{RowId(1)}, {RowId(2)}}});
  EXPECT_FALSE(result.fenced);
  EXPECT_EQ(number("SELECT count(*) FROM message_record WHERE status = 1 AND sent_offset = -1"), 2);
}

TEST_F(Marker, KeepsAConflictWithAnOperatorsAct) {
  insert_rows(4);
  execute("UPDATE message_record SET status = 3 WHERE id = 2; UPDATE message_record SET status = 4 WHERE id = 3");
  const MarkBatch batch{
      .delivered = {{RowId(1), 0, 5}, {RowId(2), 1, 6}, {RowId(3), 2, 7}, {RowId(4), 3, 8}, {RowId(77), 3, 9}}};
  EXPECT_THAT(ids(marker_->mark(epoch_, batch).conflicts), ElementsAre(2, 3));
  EXPECT_EQ(number("SELECT count(*) FROM message_record WHERE status = 1"), 4);
  EXPECT_EQ(execute("SELECT detail FROM outbox_event WHERE message = 3 AND kind = 'conflict' AND "
                    "table_name = 'public.message_record'"),
            "delivered to partition 2, offset 7, although it was discarded meanwhile");
  // Again: it is delivered already, and stays where it was first seen.
  EXPECT_THAT(marker_->mark(epoch_, {.delivered = {{RowId(2), 5, 99}}}).conflicts, IsEmpty());
  EXPECT_EQ(column("sent_offset", 2), "6");
}

TEST_F(Marker, AFailureWaitsAndTheLastOneIsDead) {
  insert_rows(2);
  const MarkResult result = marker_->mark(epoch_, {.failed = {failed(2, "too large", true), failed(1, "not now")}});
  EXPECT_THAT(result.stale, IsEmpty());
  EXPECT_EQ(column("status || ' ' || attempts || ' ' || fail_msg", 1), "0 1 not now");
  EXPECT_EQ(
      column("next_attempt_at BETWEEN clock_timestamp() + interval '5 s' AND clock_timestamp() + interval '10 s'", 1),
      "t");
  EXPECT_EQ(column("status || ' ' || attempts || ' ' || fail_msg || (next_attempt_at IS NULL)", 2),
            "2 1 too largetrue");
  EXPECT_EQ(execute("SELECT string_agg(kind || ' ' || detail, ';' ORDER BY message) FROM outbox_event"),
            "failure attempt 1: not now;dead attempt 1: too large");
}

TEST_F(Marker, AFailureThatIsSentAgainAfterADoubtfulCommitCountsOnce) {
  insert_rows(1);
  Failed once = failed(1, "not now");
  once.attempts_before = 0;
  EXPECT_TRUE(marker_->mark(epoch_, {.failed = {once}}).stale.empty());
  EXPECT_THAT(marker_->mark(epoch_, {.failed = {once}}).stale, ElementsAre(RowId(1)));
  EXPECT_EQ(execute("SELECT attempts FROM message_record WHERE id = 1"), "1");
  Checked asked = checked(2, Checked::Result::ask_again);
  execute("INSERT INTO message_record (topic, body, confirmed) VALUES ('t', 'unclear', false)");
  asked.checks_before = 0;
  EXPECT_TRUE(marker_->mark(epoch_, {.checked = {asked}}).stale.empty());
  EXPECT_THAT(marker_->mark(epoch_, {.checked = {asked}}).stale, ElementsAre(RowId(2)));
  EXPECT_EQ(execute("SELECT checks FROM message_record WHERE id = 2"), "1");
}

TEST_F(Marker, FailuresOfAnOldEpochChangeNothing) {
  insert_rows(3);
  auto other = relay::pg::make_lease_store(options_);
  ASSERT_TRUE(other->take(other->look()));
  const MarkResult result = marker_->mark(
      epoch_,
      {.delivered = {{RowId(1)}}, .failed = {failed(2)}, .checked = {checked(3, Checked::Result::rolled_back)}});
  EXPECT_TRUE(result.fenced);
  EXPECT_EQ(execute("SELECT string_agg(status::text, ',' ORDER BY id) FROM message_record"), "1,0,0");
  EXPECT_EQ(number("SELECT count(*) FROM outbox_event"), 0);
}

TEST_F(Marker, ATakeOverWaitsForTheMarkUnderWayAndARenewalDoesNot) {
  // What the mark does, by hand, so that it can be held open between the lock and the commit.
  relay::pg::Connection mark = session();
  mark.execute("BEGIN");
  mark.execute("SELECT 1 FROM outbox_lease FOR KEY SHARE");
  EXPECT_TRUE(lease_->renew(epoch_));
  relay::pg::Connection take = session();
  take.execute("SET lock_timeout = '50ms'");
  EXPECT_THROW(take.execute("UPDATE outbox_lease SET epoch = epoch + 1"), relay::core::DatabaseError);
  mark.execute("COMMIT");
  take.execute("UPDATE outbox_lease SET epoch = epoch + 1");
}

TEST_F(Marker, RowsThatMovedOnAreStale) {
  insert_rows(3);
  execute(
      "UPDATE message_record SET status = 1 WHERE id = 1; UPDATE message_record SET confirmed = false WHERE id = 3");
  // 2 was confirmed by its owner meanwhile: no check-back may cancel it.
  const MarkResult result = marker_->mark(
      epoch_, {.failed = {failed(1)},
               .checked = {checked(2, Checked::Result::rolled_back), checked(3, Checked::Result::committed)}});
  EXPECT_FALSE(result.fenced);
  EXPECT_THAT(ids(result.stale), ElementsAre(1, 2));
  EXPECT_EQ(execute("SELECT string_agg(status::text, ',' ORDER BY id) FROM message_record"), "1,0,0");
}

TEST_F(Marker, ChecksByTheirResult) {
  insert_rows(5);
  execute("UPDATE message_record SET confirmed = false, next_attempt_at = now(), next_check_at = now()");
  Checked unasked = checked(5, Checked::Result::ask_again, "url not allowed");
  unasked.asked = false;
  Checked again = checked(3, Checked::Result::ask_again, "404");
  again.unknown = true;
  EXPECT_THAT(
      marker_
          ->mark(epoch_,
                 {.checked = {checked(1, Checked::Result::committed), checked(2, Checked::Result::rolled_back), again,
                              checked(4, Checked::Result::parked, "check-back unresolved: silence"), unasked}})
          .stale,
      IsEmpty());
  const std::string state =
      "status || ' ' || confirmed || ' ' || checks || ' ' || unknown_checks || ' ' || "
      "(first_check_at IS NOT NULL) || ' ' || coalesce(fail_msg, '-')";
  EXPECT_EQ(column(state, 1), "0 true 1 0 true -");
  EXPECT_EQ(column("next_attempt_at IS NULL AND next_check_at IS NULL", 1), "t");
  EXPECT_EQ(column(state, 2), "3 false 1 0 true -");
  EXPECT_EQ(column(state, 3), "0 false 1 1 true 404");
  EXPECT_EQ(column("next_check_at > clock_timestamp() + interval '3 s'", 3), "t");
  EXPECT_EQ(column(state, 4), "2 false 1 0 true check-back unresolved: silence");
  EXPECT_EQ(column(state, 5), "0 false 0 0 false url not allowed");
  EXPECT_EQ(execute("SELECT string_agg(message || ' ' || detail, ';' ORDER BY message) FROM outbox_event"),
            "1 check 1: committed;2 check 1: rolled back;3 check 1: ask again: 404;"
            "4 check 1: parked: check-back unresolved: silence");
  const std::string first = column("first_check_at", 3);
  marker_->mark(epoch_, {.checked = {again}});
  EXPECT_EQ(column("first_check_at", 3), first);
}

TEST_F(Marker, ARowLockedBySomebodyStopsNoOther) {
  insert_rows(4);
  relay::pg::Connection other = session();
  other.execute("BEGIN");
  other.execute("SELECT 'secret', id FROM message_record WHERE id = 2 FOR UPDATE");
  const std::string pid(other.execute("SELECT pg_backend_pid()").value(0, 0));
  const MarkBatch batch{.delivered = {{RowId(1)}, {RowId(2)}, {RowId(3)}}, .failed = {failed(4)}};
  const MarkResult result = marker_->mark(epoch_, batch);
  EXPECT_THAT(ids(result.blocked), ElementsAre(2));
  EXPECT_THAT(result.blocker, HasSubstr("pid " + pid + ", user postgres"));
  EXPECT_THAT(result.blocker, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(result.stale, IsEmpty());
  EXPECT_EQ(execute("SELECT string_agg(status::text, ',' ORDER BY id) FROM message_record"), "1,0,1,0");
  EXPECT_EQ(column("attempts", 4), "1");
  other.execute("ROLLBACK");
  EXPECT_THAT(marker_->mark(epoch_, {.delivered = {{RowId(2)}}}).blocked, IsEmpty());
  EXPECT_EQ(column("status", 2), "1");
}

TEST_F(Marker, AllRowsBlockedAndRowsGoneAreTwoThings) {
  insert_rows(2);
  execute("DELETE FROM message_record WHERE id = 2");
  relay::pg::Connection other = session();
  other.execute("BEGIN");
  other.execute("UPDATE message_record SET fail_msg = 'mine' WHERE id = 1");
  const MarkResult result = marker_->mark(epoch_, {.delivered = {{RowId(1)}}, .failed = {failed(2)}});
  EXPECT_THAT(ids(result.blocked), ElementsAre(1));
  EXPECT_THAT(ids(result.stale), ElementsAre(2));
}

TEST_F(Marker, MessagesAreCutAndCleaned) {
  insert_rows(3);
  std::string long_message;
  for (int i = 0; i < 600; ++i) long_message += "ü";
  marker_->mark(epoch_, {.failed = {failed(1, long_message), failed(2, std::string("a\0b\xff", 4)), failed(3, "")}});
  EXPECT_EQ(column("length(fail_msg)", 1), "500");
  EXPECT_EQ(column("fail_msg", 2), "ab\uFFFD");
  EXPECT_EQ(column("fail_msg", 3), "");
}

TEST_F(Marker, AnEmptyBatchTouchesNothing) {
  const MarkResult result = marker_->mark(epoch_, {});
  EXPECT_FALSE(result.fenced);
}

TEST_F(Marker, LeavesNoTransactionOpenAfterAnError) {
  insert_rows(1);
  execute("ALTER TABLE message_record ADD CONSTRAINT odd CHECK (sent_offset <> 13)");
  EXPECT_THROW(marker_->mark(epoch_, {.delivered = {{RowId(1), 0, 13}}}), relay::core::DatabaseError);
  EXPECT_EQ(
      number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"), 0);
  EXPECT_THAT(marker_->mark(epoch_, {.delivered = {{RowId(1), 0, 14}}}).conflicts, IsEmpty());
  EXPECT_EQ(column("status", 1), "1");
}

}  // namespace
}  // namespace pg_test
