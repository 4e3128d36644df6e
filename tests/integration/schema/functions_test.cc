// The functions services call on message_record and outbox_inbox, and re-sending a dead row as schema/README.md says.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "relay/pg/errors.h"
#include "tests/integration/pg/pg_fixture.h"

namespace pg_test {
namespace {

class Functions : public PgTest {
 protected:
  std::string outcome(const std::string& sql) {
    relay::pg::Connection connection = session();
    try {
      const relay::pg::Result result = connection.execute(sql);
      return result.rows() == 0 ? "" : std::string(result.value(0, 0));
    } catch (const relay::pg::SqlError& error) {
      return error.sqlstate();
    }
  }
  // A row with this state, and what a call then comes to: "result status confirmed due".
  std::string after(const std::string& call, int status, bool confirmed) {
    execute("TRUNCATE message_record RESTART IDENTITY");
    execute("INSERT INTO message_record (topic, status, confirmed) VALUES ('t', " + std::to_string(status) + ", " +
            (confirmed ? "true" : "false") + ")");
    const std::string result = outcome("SELECT " + call + "(1)");
    return (result.empty() ? "ok" : result) + " " +
           execute(
               "SELECT status || ' ' || confirmed || CASE WHEN next_attempt_at <= clock_timestamp() THEN ' due' ELSE "
               "'' END FROM message_record");
  }
};

TEST_F(Functions, ConfirmByState) {
  EXPECT_EQ(after("outbox_confirm", 0, false), "ok 0 true due");
  EXPECT_EQ(after("outbox_confirm", 0, true), "ok 0 true");
  EXPECT_EQ(after("outbox_confirm", 1, true), "ok 1 true");
  EXPECT_EQ(after("outbox_confirm", 1, false), "ok 1 false");
  EXPECT_EQ(after("outbox_confirm", 2, false), "ok 0 true due") << "parked by check-back";
  EXPECT_EQ(after("outbox_confirm", 2, true), "ok 2 true") << "dead for another reason";
  EXPECT_EQ(after("outbox_confirm", 3, false), "OB005 3 false");
  EXPECT_EQ(after("outbox_confirm", 4, true), "OB005 4 true");
}

TEST_F(Functions, CancelByState) {
  EXPECT_EQ(after("outbox_cancel", 0, false), "ok 3 false");
  EXPECT_EQ(after("outbox_cancel", 2, false), "ok 3 false");
  EXPECT_EQ(after("outbox_cancel", 3, false), "ok 3 false");
  EXPECT_EQ(after("outbox_cancel", 0, true), "OB005 0 true");
  EXPECT_EQ(after("outbox_cancel", 1, true), "OB005 1 true");
  EXPECT_EQ(after("outbox_cancel", 2, true), "OB005 2 true");
  EXPECT_EQ(after("outbox_cancel", 4, false), "OB005 4 false");
}

TEST_F(Functions, MissingRows) {
  EXPECT_EQ(outcome("SELECT outbox_confirm(1)"), "OB006") << "no id was ever given out";
  insert_rows(3);
  execute("DELETE FROM message_record");
  EXPECT_EQ(outcome("SELECT outbox_confirm(3)"), "") << "may have been delivered and purged";
  EXPECT_EQ(outcome("SELECT outbox_confirm(4)"), "OB006");
  EXPECT_EQ(outcome("SELECT outbox_confirm(0)"), "OB006");
  EXPECT_EQ(outcome("SELECT outbox_confirm(NULL)"), "OB006");
  EXPECT_EQ(outcome("SELECT outbox_cancel(3)"), "OB006");
}

TEST_F(Functions, StatusIsChecked) {
  EXPECT_EQ(outcome("INSERT INTO message_record (topic, status) VALUES ('t', 5)"), "23514");
}

TEST_F(Functions, NamedArgumentsAndDefaults) {
  EXPECT_EQ(outcome("SELECT outbox_publish(topic => 't', key => 'k', body => 'b')"), "1");
  EXPECT_EQ(outcome("SELECT outbox_publish('t', NULL, NULL, '{\"a\": \"b\"}')"), "2");
  EXPECT_EQ(outcome("SELECT outbox_prepare(topic => 't', key => 'k', body => 'b', headers => NULL, msg_log_id => 'l', "
                    "msg_log_url => 'u')"),
            "3");
  EXPECT_EQ(execute("SELECT msg_log_id || msg_log_url || confirmed FROM message_record WHERE id = 3"), "lufalse");
}

// The statements stand in schema/README.md; here they are run as they stand there.
TEST_F(Functions, ADeadRowIsSentAgainAsTheReadmeSays) {
  std::ifstream file(std::string(std::getenv("OUTBOX_SOURCE")) + "/schema/README.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  const std::size_t begin = readme.find("WITH again AS"), end = readme.find("FROM again;", begin);
  ASSERT_NE(end, std::string::npos);
  std::string again = readme.substr(begin, end - begin) + "FROM again";
  again.replace(again.find("4711"), 4, "2");
  insert_rows(3);
  execute("UPDATE message_record SET status = 2, attempts = 16, fail_msg = 'no' WHERE id = 2");
  execute(again);
  EXPECT_EQ(execute("SELECT status || ' ' || attempts || ' ' || redrives FROM message_record WHERE id = 2"), "0 0 1");
  EXPECT_EQ(execute("SELECT message || ' ' || kind || ' ' || detail FROM outbox_event"),
            "2 redriven sent again, the 1. time");
  const auto due = relay::pg::make_reader(options_)->due(std::chrono::seconds(6), 10);
  ASSERT_EQ(due.size(), 1U) << "found at once, by the index of due rows";
  EXPECT_EQ(due[0].id.value(), 2);
  execute(again);
  EXPECT_EQ(execute("SELECT redrives FROM message_record WHERE id = 2"), "1") << "it is not dead any more";
}

TEST_F(Functions, InboxClaimsOnce) {
  EXPECT_EQ(outcome("SELECT inbox_claim('points', 'a')"), "t");
  EXPECT_EQ(outcome("SELECT inbox_claim('points', 'a')"), "f");
  EXPECT_EQ(outcome("SELECT inbox_claim('mail', 'a')"), "t");
  EXPECT_EQ(outcome("BEGIN; SELECT inbox_claim('points', 'b'); ROLLBACK; SELECT inbox_claim('points', 'b')"), "t");
  execute("UPDATE outbox_inbox SET at = now() - interval '25 hours' WHERE consumer = 'points'");
  EXPECT_EQ(outcome("SELECT outbox_inbox_purge('23 hours')"), "22023");
  EXPECT_EQ(outcome("SELECT outbox_inbox_purge('1 day')"), "2");
}

}  // namespace
}  // namespace pg_test
