// Settings and checks that each connection of the store begins with.
#include "relay/pg/session.h"

#include "relay/pg/migrate.h"

namespace relay::pg {
namespace {

std::string quoted_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    quoted += c;
    if (c == '"') quoted += '"';
  }
  return quoted + '"';
}

}  // namespace

std::string quoted_table(const std::string& table) {
  const std::size_t dot = table.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == table.size() || table.find('\0') != std::string::npos) {
    throw core::DatabaseError("table \"" + table + "\" is not of the form schema.table", false,
                              common::ExitCode::configuration);
  }
  return quoted_identifier(table.substr(0, dot)) + "." + quoted_identifier(table.substr(dot + 1));
}

std::string quoted_literal(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += '\'';
  }
  return quoted + "'";
}

Connection make_session(const StoreOptions& options, const std::string& purpose,
                        std::function<void(Connection&)> prepare) {
  check_dsn(options.dsn);
  const auto timeout = options.lease_ttl / 5;
  const std::string table = quoted_table(options.table);
  return Connection(
      {.dsn = options.dsn,
       .password = options.password,
       .application_name = "outbox-relay/" + purpose,
       .timeout = timeout},
      [timeout, table, prepare = std::move(prepare)](Connection& connection) {
        const std::string timeout_ms = std::to_string(timeout.count());
        // The statements are few and their right plan is known: a walk along an index. Without these settings an
        // ANALYZE at a bad moment (an empty table) turns them into scans of the whole table for a while.
        connection.execute("SET standard_conforming_strings = on; SET statement_timeout = " + timeout_ms +
                           "; SET idle_in_transaction_session_timeout = " + timeout_ms +
                           "; SET search_path = pg_catalog, pg_temp; SET enable_seqscan = off;"
                           " SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
                           " SET max_parallel_workers_per_gather = 0; SET jit = off;"
                           " SET plan_cache_mode = force_generic_plan");
        check_schema_version(connection);
        const Result found = connection.execute("SELECT 1 WHERE to_regclass(" + quoted_literal(table) +
                                                ") IS NOT NULL AND NOT pg_is_in_recovery()");
        if (found.rows() == 0) {
          const Result standby = connection.execute("SELECT 1 WHERE pg_is_in_recovery()");
          if (standby.rows() == 1) {
            throw core::DatabaseError(
                "database " + connection.describe() + ": is a standby, the relay needs the primary", true);
          }
          throw core::DatabaseError("database " + connection.describe() + ": there is no table " + table +
                                        "; correct `table`, or run: outboxctl migrate up --dsn …",
                                    false, common::ExitCode::dependency_refused);
        }
        if (prepare) prepare(connection);
      });
}

}  // namespace relay::pg
