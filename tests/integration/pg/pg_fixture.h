// A migrated database of the test's own on a server that the tests of one process share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "relay/pg/migrate.h"
#include "relay/pg/store.h"
#include "tests/support/postgres_server.h"

// Tests name only the members they mean.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace pg_test {

inline test_support::PostgresServer& shared_server() {
  // Commits need no disk here; the tests that crash a server start their own.
  static test_support::PostgresServer server(test_support::PostgresOptions{.settings = {{"fsync", "off"}}});
  return server;
}

class PgTest : public testing::Test {
 protected:
  void SetUp() override {
    static int databases = 0;
    database_ = "test_" + std::to_string(++databases);
    shared_server().execute("postgres", "CREATE DATABASE " + database_ + " " + database_options());
    relay::pg::Connection connection({.dsn = dsn(), .application_name = "test"}, nullptr);
    relay::pg::migrate_up(connection, schema::migrations(), "");
    options_.dsn = dsn();
  }
  void TearDown() override { shared_server().execute("postgres", "DROP DATABASE " + database_ + " WITH (FORCE)"); }

  [[nodiscard]] virtual std::string database_options() const { return ""; }
  [[nodiscard]] std::string dsn(const std::string& user = "postgres") const {
    return shared_server().dsn(database_, user);
  }
  std::string execute(const std::string& sql) const { return shared_server().execute(database_, sql); }
  [[nodiscard]] std::int64_t number(const std::string& sql) const { return std::stoll(execute(sql)); }

  // A connection that keeps its transaction open between statements.
  [[nodiscard]] relay::pg::Connection session(const std::string& user = "postgres") const {
    return relay::pg::Connection({.dsn = dsn(user), .application_name = "test", .timeout = std::chrono::seconds(30)},
                                 nullptr);
  }

  // Rows 1 to `count`, all of one key.
  void insert_rows(int count) const {
    execute(
        "INSERT INTO message_record (topic, message_key, body) SELECT 'orders', 'k', 'body ' || i FROM "
        "generate_series(1, " +
        std::to_string(count) + ") i");
  }

  std::string database_;
  relay::pg::StoreOptions options_;
};

template <class Marks>
std::vector<std::int64_t> ids(const Marks& marks) {
  std::vector<std::int64_t> out;
  for (const auto& mark : marks) {
    if constexpr (requires { mark.id; }) {
      out.push_back(mark.id.value());
    } else {
      out.push_back(mark.value());
    }
  }
  return out;
}

}  // namespace pg_test
