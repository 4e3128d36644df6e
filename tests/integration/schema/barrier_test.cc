// The barrier between a business transaction and its check-back: every order of events, then many at random.
#include <gmock/gmock.h>

#include <atomic>
#include <barrier>
#include <map>
#include <random>
#include <thread>

#include "relay/pg/errors.h"
#include "tests/integration/pg/pg_fixture.h"
#include "tests/support/seed.h"
#include "tests/support/wait_until.h"

namespace pg_test {
namespace {

using relay::pg::Connection;
using relay::pg::SqlError;

// Runs `sql`; the SQLSTATE it failed with, or its first value.
std::string outcome(Connection& connection, const std::string& sql) {
  try {
    const relay::pg::Result result = connection.execute(sql);
    return result.rows() == 0 ? "" : std::string(result.value(0, 0));
  } catch (const SqlError& error) {
    return error.sqlstate();
  }
}

class Barrier : public PgTest {
 protected:
  void SetUp() override {
    PgTest::SetUp();
    business_connection_.emplace(relay::pg::ConnectionOptions{.dsn = dsn(), .timeout = std::chrono::seconds(30)},
                                 nullptr);
  }
  // A transaction of its own.
  std::string check_back(const std::string& id = "l") {
    Connection owner = session();
    return outcome(owner, "SELECT outbox_check_back('" + id + "')");
  }
  Connection& business() { return *business_connection_; }
  std::optional<Connection> business_connection_;
};

TEST_F(Barrier, CheckBackWhileTheBusinessIsOpen) {
  business().execute("BEGIN; SELECT outbox_begin('l')");
  EXPECT_EQ(check_back(), "in_progress");
  EXPECT_EQ(check_back(), "in_progress");
  business().execute("COMMIT");
  EXPECT_EQ(check_back(), "committed");
  EXPECT_EQ(check_back(), "committed");
}

TEST_F(Barrier, CheckBackBeforeTheBusinessBegins) {
  EXPECT_EQ(check_back(), "in_progress") << "the barrier row's own transaction says nothing yet";
  EXPECT_EQ(check_back(), "rolled_back");
  business().execute("BEGIN");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "OB001");
  business().execute("ROLLBACK");
  EXPECT_EQ(check_back(), "rolled_back");
}

TEST_F(Barrier, CheckBackAfterARollback) {
  business().execute("BEGIN; SELECT outbox_begin('l'); ROLLBACK");
  EXPECT_EQ(check_back(), "in_progress");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "OB001");
  EXPECT_EQ(check_back(), "rolled_back");
}

TEST_F(Barrier, CheckBackConcurrentWithTheCommitWaitsForIt) {
  business().execute("BEGIN; SELECT outbox_begin('l')");
  Connection owner = session();
  std::string answer;
  {
    std::jthread waiting([&] { answer = outcome(owner, "SELECT outbox_check_back('l')"); });
    EXPECT_TRUE(test_support::wait_until(
        [&] { return execute("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0" || !answer.empty(); }));
    business().execute("COMMIT");
  }
  // It either read the verdict or had given up waiting a moment before.
  EXPECT_THAT(answer, testing::AnyOf("committed", "in_progress"));
  EXPECT_EQ(check_back(), "committed");
}

TEST_F(Barrier, ACheckBackUnderWayMakesTheBusinessWait) {
  Connection owner = session();
  owner.execute("BEGIN");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('l')"), "in_progress");
  std::string began;
  {
    std::jthread begin([&] { began = outcome(business(), "BEGIN; SELECT outbox_begin('l')"); });
    EXPECT_TRUE(
        test_support::wait_until([&] { return execute("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"; }));
    owner.execute("COMMIT");
  }
  EXPECT_EQ(began, "OB001");
}

TEST_F(Barrier, ACheckBackRolledBackDecidesNothing) {
  Connection owner = session();
  owner.execute("BEGIN");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('l')"), "in_progress");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('l')"), "in_progress") << "its own row may yet be rolled back";
  owner.execute("SAVEPOINT s");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('m')"), "in_progress");
  owner.execute("RELEASE SAVEPOINT s");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('m')"), "in_progress");
  EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('l')"), "in_progress");
  owner.execute("ROLLBACK");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('m')"), "");
  EXPECT_EQ(check_back("l"), "committed");
}

TEST_F(Barrier, BeginInsideASavepointIsRefused) {
  business().execute("BEGIN; SAVEPOINT s");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "OB003");
  business().execute("ROLLBACK TO SAVEPOINT s");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "OB003") << "still inside s";
  business().execute("ROLLBACK");
  EXPECT_EQ(outcome(business(), "DO $$ BEGIN PERFORM outbox_begin('l'); EXCEPTION WHEN division_by_zero THEN END $$"),
            "OB003");
  business().execute("BEGIN; SAVEPOINT s; RELEASE SAVEPOINT s");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "");
  business().execute("COMMIT");
  EXPECT_EQ(check_back(), "committed");
}

TEST_F(Barrier, BeginTwice) {
  business().execute("BEGIN; SELECT outbox_begin('l')");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "") << "the same transaction";
  business().execute("SAVEPOINT s");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "");
  business().execute("COMMIT");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin('l')"), "OB002");
  EXPECT_EQ(outcome(business(), "SELECT outbox_begin(NULL)"), "22004");
  EXPECT_EQ(outcome(business(), "SELECT outbox_check_back(NULL)"), "22004");
}

TEST_F(Barrier, OtherIsolationLevels) {
  for (const std::string level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    Connection owner = session();
    owner.execute("BEGIN ISOLATION LEVEL " + level);
    EXPECT_EQ(outcome(owner, "SELECT outbox_check_back('x')"), "OB004");
    owner.execute("ROLLBACK");
    // A snapshot older than the check-back's barrier must not begin the business.
    const std::string id = "late " + level;
    business().execute("BEGIN ISOLATION LEVEL " + level + "; SELECT 1");
    check_back(id);
    EXPECT_THAT(outcome(business(), "SELECT outbox_begin('" + id + "')"), testing::AnyOf("40001", "OB001"));
    business().execute("ROLLBACK");
    business().execute("BEGIN ISOLATION LEVEL " + level);
    EXPECT_EQ(outcome(business(), "SELECT outbox_begin('good " + level + "')"), "");
    business().execute("COMMIT");
    EXPECT_EQ(check_back("good " + level), "committed");
  }
}

TEST_F(Barrier, VerdictsAreFlushedWhateverTheSessionSays) {
  business().execute("SET synchronous_commit = off");
  const auto setting = [&] { return outcome(business(), "SHOW synchronous_commit"); };
  for (const std::string call :
       {"outbox_begin('a')", "outbox_check_back('b')", "outbox_prepare('t', NULL, NULL, NULL, 'l', 'http://x')"}) {
    business().execute("BEGIN; SELECT " + call);
    EXPECT_EQ(setting(), "on") << call;
    business().execute("COMMIT");
    EXPECT_EQ(setting(), "off");
  }
  business().execute("SET synchronous_commit = remote_write; BEGIN; SELECT outbox_begin('c')");
  EXPECT_EQ(setting(), "remote_write");
}

TEST_F(Barrier, PurgeKeepsTheYoung) {
  execute(
      "INSERT INTO message_log SELECT i::text, 'committed', now() - interval '8 days' FROM generate_series(1, 1500) i;"
      "INSERT INTO message_log SELECT 'young', 'committed', now() - interval '6 days'");
  EXPECT_EQ(outcome(business(), "SELECT outbox_message_log_purge('6 days 23 hours')"), "22023");
  EXPECT_EQ(outcome(business(), "SELECT outbox_message_log_purge(NULL)"), "22023");
  EXPECT_EQ(outcome(business(), "SELECT outbox_message_log_purge('7 days')"), "1000");
  EXPECT_EQ(outcome(business(), "SELECT outbox_message_log_purge('7 days')"), "500");
  EXPECT_EQ(outcome(business(), "SELECT outbox_message_log_purge('7 days')"), "0");
  EXPECT_EQ(execute("SELECT string_agg(msg_log_id, ',') FROM message_log"), "young");
}

// Two business attempts and two check-backs on each id, begun, held and ended at random. What was answered (after a
// commit) must agree with what became of the business, for ever.
class BarrierRaces : public Barrier {
 protected:
  using Answers = std::map<std::string, std::string>;
  static constexpr int kIds = 250;

  static std::string pause(std::mt19937& random) {
    return "SELECT pg_sleep(" + std::to_string(static_cast<double>(random() % 6) / 1000) + ")";
  }

  void attempt(unsigned seed) {
    std::mt19937 random(seed);
    Connection connection = session();
    for (int i = 0; i < kIds; ++i) {
      const std::string id = std::to_string(i);
      next_id_.arrive_and_wait();
      connection.execute(pause(random));
      connection.execute("BEGIN");
      const std::string began = outcome(connection, "SELECT outbox_begin('" + id + "')");
      if (!began.empty()) {
        EXPECT_THAT(began, testing::AnyOf("OB001", "OB002"));
        ++refused_;
        connection.execute("ROLLBACK");
        continue;
      }
      connection.execute(pause(random));
      connection.execute("INSERT INTO business VALUES ('" + id + "')");
      connection.execute(random() % 3 == 0 ? "ROLLBACK" : "COMMIT");
    }
  }

  void ask(unsigned seed, Answers& answers) {
    std::mt19937 random(seed);
    Connection connection = session();
    for (int i = 0; i < kIds; ++i) {
      const std::string id = std::to_string(i);
      next_id_.arrive_and_wait();
      for (int check = 0; check < 2; ++check) {
        connection.execute(pause(random));
        connection.execute("BEGIN");
        const std::string verdict = outcome(connection, "SELECT outbox_check_back('" + id + "')");
        connection.execute(pause(random));
        const bool commit = random() % 4 != 0;
        connection.execute(commit ? "COMMIT" : "ROLLBACK");
        if (!commit || verdict == "in_progress") continue;
        EXPECT_THAT(verdict, testing::AnyOf("committed", "rolled_back"));
        const auto [known, is_new] = answers.emplace(id, verdict);
        EXPECT_EQ(known->second, verdict) << "an answer changed, id " << id;
      }
    }
  }

  // Compares the answers with the business as it ended, and counts them by verdict.
  void judge(const Answers& answers, int& committed, int& rolled_back) const {
    for (const auto& [id, answer] : answers) {
      const bool happened = number("SELECT count(*) FROM business WHERE id = '" + id + "'") > 0;
      EXPECT_EQ(answer, happened ? "committed" : "rolled_back") << "id " << id;
      ++(answer == "committed" ? committed : rolled_back);
    }
  }

  std::atomic<int> refused_ = 0;
  std::barrier<> next_id_{4};  // all four meet at each id: otherwise the check-backs fall behind and meet nobody
};

TEST_F(BarrierRaces, NeverRolledBackAndCommitted) {
  const auto seed = static_cast<unsigned>(test_support::seed());
  execute("CREATE TABLE business (id text)");
  std::array<Answers, 2> answers;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 2; ++i) {
      threads.emplace_back([this, seed, i] { attempt(seed + i); });
      threads.emplace_back([this, seed, i, &answers] { ask(seed + 10 + i, answers[i]); });
    }
  }
  EXPECT_EQ(number("SELECT count(*) - count(DISTINCT id) FROM business"), 0) << "committed twice";
  int committed = 0, rolled_back = 0;
  for (const Answers& each : answers) judge(each, committed, rolled_back);
  std::cout << "answered committed " << committed << ", rolled_back " << rolled_back << ", refused " << refused_
            << std::endl;
  EXPECT_GT(committed, 20);
  EXPECT_GT(rolled_back, 20);
  EXPECT_GT(refused_, 20);
}

}  // namespace
}  // namespace pg_test
