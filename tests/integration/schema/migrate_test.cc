// The migrations and the machinery that applies them: twice, two at once, one that fails, an old database, a new one.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "relay/pg/errors.h"
#include "relay/pg/migrate.h"
#include "tests/support/postgres_server.h"
#include "tests/support/process.h"

// Tests name only the members they mean.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace {

using relay::pg::Connection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names(const std::vector<schema::Migration>& migrations) {
  std::vector<std::string> out;
  for (const auto& each : migrations) out.emplace_back(each.name);
  return out;
}

class Migrate : public testing::Test {
 protected:
  test_support::PostgresServer server_{test_support::PostgresOptions{.settings = {{"fsync", "off"}}}};
  Connection connection_{{.dsn = server_.dsn(), .application_name = "test", .timeout = std::chrono::seconds(60)},
                         nullptr};

  // The real ones and a fake next one.
  static std::vector<schema::Migration> with_second(std::string_view sql) {
    std::vector<schema::Migration> all(schema::migrations().begin(), schema::migrations().end());
    all.push_back({.part = "outbox", .version = 2, .oldest_relay = 1, .name = "0002_fake.sql", .sql = sql});
    return all;
  }
};

constexpr std::string_view kFake = "ALTER TABLE public.message_record ADD COLUMN fake integer DEFAULT 7;";

TEST_F(Migrate, AppliesOnceAndRepeatsAsNothing) {
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, schema::migrations(), "")),
              ElementsAre("0001_outbox.sql", "0001_barrier.sql", "0001_inbox.sql"));
  EXPECT_THAT(relay::pg::migrate_up(connection_, schema::migrations(), ""), IsEmpty());
  EXPECT_EQ(relay::pg::applied_migrations(connection_).size(), 3U);
  EXPECT_NO_THROW(relay::pg::check_schema_version(connection_));
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, with_second(kFake), "")), ElementsAre("0002_fake.sql"));
  EXPECT_NO_THROW(relay::pg::check_schema_version(connection_)) << "additive, so this program may go on";
  // But this program's own tool refuses to touch what a newer one has made.
  EXPECT_THROW(relay::pg::migrate_up(connection_, schema::migrations(), ""), relay::core::DatabaseError);
}

TEST_F(Migrate, PartsStandAlone) {
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, schema::migrations(), "inbox")), ElementsAre("0001_inbox.sql"));
  EXPECT_EQ(server_.execute("postgres", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "2");
  EXPECT_THROW(relay::pg::check_schema_version(connection_), relay::core::DatabaseError);
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, schema::migrations(), "")),
              ElementsAre("0001_outbox.sql", "0001_barrier.sql"));
}

TEST_F(Migrate, ManyAtOnceApplyEachStepOnce) {
  std::vector<std::vector<schema::Migration>> done(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : done) {
      threads.emplace_back([&] {
        Connection connection({.dsn = server_.dsn(), .timeout = std::chrono::seconds(60)}, nullptr);
        mine = relay::pg::migrate_up(connection, with_second(kFake), "");
      });
    }
  }
  std::size_t steps = 0;
  for (const auto& mine : done) steps += mine.size();
  EXPECT_EQ(steps, 4U);
  EXPECT_EQ(server_.execute("postgres", "SELECT count(*) FROM outbox_schema"), "4");
}

TEST_F(Migrate, AStepThatFailsLeavesNothing) {
  relay::pg::migrate_up(connection_, schema::migrations(), "");
  try {
    relay::pg::migrate_up(connection_, with_second("CREATE TABLE public.half (a int); SELECT 1 / 0;"), "");
    FAIL();
  } catch (const relay::core::DatabaseError& error) {
    EXPECT_THAT(error.what(), HasSubstr("0002_fake.sql"));
    EXPECT_THAT(error.what(), HasSubstr("division by zero"));
  }
  EXPECT_EQ(server_.execute("postgres", "SELECT to_regclass('public.half') IS NULL"), "t");
  EXPECT_EQ(server_.execute("postgres", "SELECT count(*) FROM outbox_schema"), "3");
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, with_second(kFake), "")), ElementsAre("0002_fake.sql"));
}

TEST_F(Migrate, UpgradesADumpOfTheFirstMigration) {
  server_.execute("postgres", "CREATE ROLE outbox_service NOLOGIN; CREATE ROLE outbox_relay NOLOGIN");
  std::ifstream file(std::string(std::getenv("OUTBOX_SOURCE")) + "/tests/integration/schema/dump_0001.sql");
  ASSERT_TRUE(file);
  std::string dump;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('\\')) dump += line + "\n";  // psql's own commands
  }
  connection_.execute(dump);
  connection_.execute("RESET ALL");
  EXPECT_NO_THROW(relay::pg::check_schema_version(connection_));
  EXPECT_THAT(relay::pg::migrate_up(connection_, schema::migrations(), ""), IsEmpty());
  EXPECT_THAT(names(relay::pg::migrate_up(connection_, with_second(kFake), "")), ElementsAre("0002_fake.sql"));
  EXPECT_EQ(server_.execute("postgres", "SELECT count(*) || ' ' || sum(fake) FROM message_record"), "5 35");
  EXPECT_EQ(server_.execute("postgres", "SELECT outbox_publish('t', 'k', 'b')"), "6");
  // What the dump makes and what the migrations make is the same.
  server_.create_database("fresh");
  Connection fresh({.dsn = server_.dsn("fresh")}, nullptr);
  relay::pg::migrate_up(fresh, with_second(kFake), "");
  const std::string shape =
      "SELECT string_agg(format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), "
      "a.attnotnull), "
      "E'\\n' ORDER BY c.relname, a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
      "WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped AND a.attnum > 0";
  const std::string functions =
      "SELECT string_agg(p.oid::regprocedure || p.prosrc || coalesce(p.proacl::text, ''), ',' ORDER BY p.proname) FROM "
      "pg_proc p WHERE pronamespace = 'public'::regnamespace";
  EXPECT_EQ(server_.execute("postgres", shape), server_.execute("fresh", shape));
  EXPECT_EQ(server_.execute("postgres", functions), server_.execute("fresh", functions));
}

TEST_F(Migrate, WithoutTheRightToMakeRolesItSaysWhatToRun) {
  server_.execute("postgres", "CREATE ROLE builder LOGIN; GRANT CREATE ON SCHEMA public TO builder");
  Connection builder({.dsn = server_.dsn("postgres", "builder"), .timeout = std::chrono::seconds(60)}, nullptr);
  EXPECT_EQ(relay::pg::migrate_up(builder, schema::migrations(), "").size(), 3U);
  std::string notices;
  for (const std::string& notice : builder.take_notices()) notices += notice + "\n";
  EXPECT_THAT(notices, HasSubstr("CREATE ROLE outbox_relay NOLOGIN;"));
  EXPECT_THAT(notices, HasSubstr("GRANT SELECT, INSERT, DELETE ON public.outbox_event TO outbox_relay"));
  EXPECT_THAT(notices, HasSubstr("GRANT EXECUTE ON FUNCTION public.outbox_begin(text)"));
}

TEST_F(Migrate, TheScriptDoesTheSame) {
  connection_.execute(relay::pg::migration_script(relay::pg::pending_migrations(schema::migrations(), {}, "")));
  EXPECT_THAT(relay::pg::migrate_up(connection_, schema::migrations(), ""), IsEmpty());
}

TEST_F(Migrate, OutboxctlSaysWhatItDidInItsExitStatusToo) {
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(std::getenv("OUTBOX_BIN")) + "/outboxctl");
    return test_support::run(arguments);
  };
  EXPECT_EQ(run({"migrate", "status", "--dsn", server_.dsn()}).exit.code, 0);
  const auto up = run({"migrate", "up", "--dsn", server_.dsn()});
  EXPECT_EQ(up.exit.code, 0) << up.error_output;
  EXPECT_THAT(up.output, HasSubstr("applied 0001_outbox.sql"));
  EXPECT_THAT(run({"migrate", "up", "--dsn", server_.dsn()}).output, HasSubstr("nothing to do"));
  EXPECT_THAT(run({"migrate", "sql"}).output, HasSubstr("CREATE TABLE public.message_record"));
  EXPECT_EQ(run({"migrate", "up"}).exit.code, 64);
  EXPECT_EQ(run({"migrate", "up", "--dsn", server_.dsn("nowhere")}).exit.code, 69);
  EXPECT_EQ(run({"migrate", "up", "--dsn", "host=127.0.0.1 port=1 dbname=x"}).exit.code, 1);
  EXPECT_THAT(run({"--version"}).output, HasSubstr("outboxctl"));
}

}  // namespace
