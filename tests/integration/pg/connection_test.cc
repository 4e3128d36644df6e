// How the store meets a database that refuses, is missing something, stops answering or comes back.
#include <gmock/gmock.h>
#include <csignal>
#include <regex>

#include "relay/pg/connection.h"
#include "relay/pg/errors.h"
#include "tests/integration/pg/pg_fixture.h"
#include "tests/support/packet_loss.h"
#include "tests/support/tcp_proxy.h"

namespace pg_test {
namespace {

using common::ExitCode;
using relay::core::DatabaseError;
using relay::core::RowId;
using testing::HasSubstr;
using testing::Not;

class Refusal : public PgTest {
 protected:
  DatabaseError refused(const relay::pg::StoreOptions& options) {
    try {
      relay::pg::make_reader(options)->sweep(RowId(0), RowId(1), 1);
    } catch (const DatabaseError& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      return error;
    }
    ADD_FAILURE() << "nothing was refused";
    return DatabaseError("");
  }
  void expect_definite(const DatabaseError& error, const std::string& text) {
    EXPECT_FALSE(error.retryable()) << error.what();
    EXPECT_EQ(error.exit_code(), ExitCode::dependency_refused) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(text));
  }
};

TEST_F(Refusal, IsDefiniteAndNamesTheWayOut) {
  relay::pg::StoreOptions options = options_;
  options.dsn = shared_server().dsn("nowhere");
  expect_definite(refused(options), "create the database");
  options.dsn = dsn("nobody");
  expect_definite(refused(options), "pg_hba.conf");
  options = options_;
  options.table = "public.other";
  expect_definite(refused(options), "there is no table \"public\".\"other\"");
  execute("DROP ROLE IF EXISTS newcomer; CREATE ROLE newcomer LOGIN");
  options = options_;
  options.dsn = dsn("newcomer");
  expect_definite(refused(options), "GRANT outbox_relay");
}

TEST_F(Refusal, OfADsnIsAConfigurationErrorAndShowsNoPassword) {
  relay::pg::StoreOptions options = options_;
  options.dsn = "host=localhost password=s3cret word";
  try {
    relay::pg::make_reader(options);
    FAIL();
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::configuration);
    EXPECT_THAT(error.what(), Not(HasSubstr("word=")));
    EXPECT_THAT(error.what(), Not(HasSubstr("s3cret")));
  }
  options = options_;
  options.table = "nodot";
  EXPECT_THROW(relay::pg::make_reader(options), DatabaseError);
}

TEST_F(Refusal, OfTheSchemasVersion) {
  execute("UPDATE outbox_schema SET version = 9, oldest_relay = 9 WHERE part = 'outbox'");
  expect_definite(refused(options_), "too new");
  execute("UPDATE outbox_schema SET version = 0, oldest_relay = 0 WHERE part = 'outbox'");
  expect_definite(refused(options_), "too old");
  execute("UPDATE outbox_schema SET version = 9, oldest_relay = 1 WHERE part = 'outbox'");
  EXPECT_NO_THROW(relay::pg::make_reader(options_)->sweep(RowId(0), RowId(1), 1)) << "additive: older relays may go on";
  execute("DROP TABLE outbox_schema");
  expect_definite(refused(options_), "outboxctl migrate up");
}

TEST_F(Refusal, OfAnUnreachableServerIsRetryable) {
  relay::pg::StoreOptions options = options_;
  options.dsn = "host=127.0.0.1 port=1 dbname=shop user=relay password=s3cret";
  const DatabaseError error = refused(options);
  EXPECT_TRUE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("shop at 127.0.0.1:1 as relay"));
  EXPECT_THAT(error.what(), Not(HasSubstr("s3cret")));
}

TEST_F(Refusal, ASilentServerEndsInAnError) {
  options_.lease_ttl = std::chrono::seconds(2);
  const auto reader = relay::pg::make_reader(options_);
  EXPECT_NO_THROW(reader->sweep(RowId(0), RowId(1), 1));
  const auto pid =
      static_cast<pid_t>(number("SELECT pid FROM pg_stat_activity WHERE application_name = 'outbox-relay/poll' AND "
                                "datname = current_database()"));
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(reader->sweep(RowId(0), RowId(1), 1), DatabaseError);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_NO_THROW(reader->sweep(RowId(0), RowId(1), 1)) << "the next call has a new connection";
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
}

// With an hour's patience for a server that is slow.
TEST_F(Refusal, AStatementWhosePacketsAreLostEndsInAnErrorLongBeforeItsTimeOut) {
  if (!test_support::can_lose_packets()) GTEST_SKIP() << test_support::kNoPacketLoss;
  test_support::TcpProxy proxy(shared_server().port());
  const std::string through =
      std::regex_replace(dsn(), std::regex("port=[0-9]+"), "port=" + std::to_string(proxy.port()));
  relay::pg::Connection connection({.dsn = through, .timeout = std::chrono::hours(1)}, nullptr);
  connection.execute("SELECT 1");
  ASSERT_EQ(test_support::lose_packets_of_accepted(proxy.port()), 1);
  try {
    connection.execute("SELECT 1");
    FAIL();
  } catch (const DatabaseError& error) {
    EXPECT_TRUE(error.retryable());
    EXPECT_THAT(error.what(), HasSubstr("packets to the server are lost"));
  }
  EXPECT_FALSE(connection.connected());
  EXPECT_NO_THROW(connection.execute("SELECT 1")) << "the next call has a new connection";
}

TEST_F(Refusal, AStatementTooLongIsEndedByTheServer) {
  relay::pg::Connection connection({.dsn = dsn(), .timeout = std::chrono::milliseconds(2000)},
                                   [](relay::pg::Connection& fresh) { fresh.execute("SET statement_timeout = 100"); });
  try {
    connection.execute("SELECT pg_sleep(100)");
    FAIL();
  } catch (const relay::pg::SqlError& error) {
    EXPECT_EQ(error.sqlstate(), "57014");
    EXPECT_TRUE(error.retryable());
  }
  EXPECT_TRUE(connection.connected()) << "an error of the statement alone does not close the connection";
}

TEST(Outage, TheStoreComesBackWithTheServer) {
  test_support::PostgresServer server;
  relay::pg::StoreOptions options;
  options.dsn = server.dsn();
  {
    relay::pg::Connection connection({.dsn = options.dsn}, nullptr);
    relay::pg::migrate_up(connection, schema::migrations(), "");
  }
  server.execute("postgres", "INSERT INTO message_record (topic) VALUES ('t')");
  const auto reader = relay::pg::make_reader(options);
  const auto lease = relay::pg::make_lease_store(options);
  const auto epoch = lease->take(lease->look()).value();
  const auto marker = relay::pg::make_marker(options);
  EXPECT_EQ(reader->sweep(RowId(0), RowId(9), 9).size(), 1U);
  server.stop_immediate();
  const auto expect_retryable = [](const auto& call) {
    try {
      call();
      ADD_FAILURE() << "the server is down";
    } catch (const DatabaseError& error) {
      EXPECT_TRUE(error.retryable()) << error.what();
    }
  };
  for (int i = 0; i < 2; ++i) {
    expect_retryable([&] { reader->sweep(RowId(0), RowId(9), 9); });
    expect_retryable([&] { lease->renew(epoch); });
    expect_retryable([&] { marker->mark(epoch, {.delivered = {{RowId(1)}}}); });
  }
  server.start();
  EXPECT_EQ(reader->sweep(RowId(0), RowId(9), 9).size(), 1U);
  EXPECT_TRUE(lease->renew(epoch)) << "the lease was flushed";
  EXPECT_FALSE(marker->mark(epoch, {.delivered = {{RowId(1)}}}).fenced);
  EXPECT_EQ(server.execute("postgres", "SELECT status FROM message_record"), "1");
}

}  // namespace
}  // namespace pg_test
