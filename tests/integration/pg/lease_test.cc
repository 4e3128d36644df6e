// The lease, the source's identity, the page's dead rows and retention against a real PostgreSQL.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/integration/pg/pg_fixture.h"

namespace pg_test {
namespace {

using relay::core::Epoch;
using relay::core::LeaseView;
using relay::core::RowId;

class Lease : public PgTest {};

TEST_F(Lease, IsTakenRenewedReleasedAndTakenAgain) {
  const auto first = relay::pg::make_lease_store(options_);
  const auto second = relay::pg::make_lease_store(options_);
  EXPECT_NE(first->owner(), second->owner());
  EXPECT_EQ(first->owner().size(), 36U);
  const LeaseView free = first->look();
  EXPECT_EQ(free.owner, "");
  const Epoch epoch = first->take(free).value();
  EXPECT_GT(epoch, free.epoch);
  const LeaseView held = second->look();
  EXPECT_EQ(held.owner, first->owner());
  EXPECT_EQ(held.epoch, epoch);
  EXPECT_TRUE(first->renew(epoch));
  EXPECT_FALSE(second->renew(epoch));
  const LeaseView renewed = second->look();
  EXPECT_NE(renewed, held);
  EXPECT_FALSE(second->take(held)) << "it was renewed since that look";
  first->release(epoch);
  const LeaseView released = second->look();
  EXPECT_EQ(released.owner, "");
  EXPECT_EQ(released.epoch, epoch);
  EXPECT_FALSE(first->renew(epoch));
  EXPECT_EQ(second->take(released)->value(), epoch.value() + 1);
  first->release(epoch);  // a late release of an old epoch frees nothing
  EXPECT_EQ(first->look().owner, second->owner());
}

TEST_F(Lease, OneOfManyTakesIt) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> taken = 0;
    std::vector<std::jthread> threads;
    const LeaseView seen = relay::pg::make_lease_store(options_)->look();
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const auto lease = relay::pg::make_lease_store(options_);
        if (lease->take(seen)) ++taken;
      });
    }
    threads.clear();
    EXPECT_EQ(taken, 1);
  }
}

TEST_F(Lease, BucketsAndTablesHaveTheirOwn) {
  relay::pg::StoreOptions other = options_;
  other.bucket = 1;
  const auto first = relay::pg::make_lease_store(options_);
  const auto second = relay::pg::make_lease_store(other);
  EXPECT_TRUE(first->take(first->look()));
  EXPECT_TRUE(second->take(second->look()));
}

TEST_F(Lease, SourceIsRegisteredOnceAndComparedLater) {
  const auto first = relay::pg::register_source(options_, "shop");
  EXPECT_FALSE(first.changed_from);
  EXPECT_EQ(std::to_string(first.now.system_identifier), execute("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(first.now.timeline, 1);
  EXPECT_FALSE(relay::pg::register_source(options_, "shop").changed_from);
  execute("UPDATE outbox_source SET timeline = 0");
  const auto changed = relay::pg::register_source(options_, "shop");
  ASSERT_TRUE(changed.changed_from);
  EXPECT_EQ(changed.changed_from->timeline, 0);
  EXPECT_EQ(execute("SELECT timeline FROM outbox_source"), "0") << "a mismatch is not overwritten";
  relay::pg::accept_source(options_, "shop");
  EXPECT_FALSE(relay::pg::register_source(options_, "shop").changed_from);
}

TEST_F(Lease, NewestDeadRowsComeFirst) {
  insert_rows(5);
  execute("UPDATE message_record SET status = 2, attempts = id, fail_msg = 'msg ' || id WHERE id > 2");
  const auto dead = relay::pg::make_observer(options_)->newest_dead(2);
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[0].id, 5);
  EXPECT_EQ(dead[1].id, 4);
  EXPECT_EQ(dead[0].key, "k");
  EXPECT_EQ(dead[0].fail_msg, "msg 5");
  EXPECT_EQ(dead[0].attempts, 5);
}

TEST_F(Lease, RetentionDeletesOldDeliveredRowsOnly) {
  insert_rows(10);
  execute(
      "UPDATE message_record SET status = 1, sent_at = now() - interval '2 h' WHERE id BETWEEN 3 AND 8;"
      "UPDATE message_record SET sent_at = now() WHERE id = 4; UPDATE message_record SET status = 2 WHERE id = 5");
  relay::pg::Connection other = session();
  other.execute("BEGIN");
  other.execute("SELECT * FROM message_record WHERE id = 6 FOR UPDATE");
  const auto retention = relay::pg::make_retention(options_);
  std::int64_t deleted = 0;
  RowId after(0);
  for (bool at_end = false; !at_end;) {
    const auto step = retention->purge_delivered(after, std::chrono::hours(1), 4);
    deleted += step.deleted;
    after = step.last;
    at_end = step.at_end;
  }
  EXPECT_EQ(deleted, 3);
  EXPECT_EQ(execute("SELECT string_agg(id::text, ',' ORDER BY id) FROM message_record"), "1,2,4,5,6,9,10");
}

}  // namespace
}  // namespace pg_test
