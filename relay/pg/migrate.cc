// The migration machinery. Each step is one transaction that begins by taking an advisory lock and looking again, so a
// second runner waits and then finds the step done.
#include "relay/pg/migrate.h"

#include <algorithm>
#include <utility>

#include "relay/pg/errors.h"

namespace relay::pg {
namespace {

// Any number will do, if it is always the same one.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7164297502131)";

constexpr const char* kSchemaTable =
    "CREATE TABLE public.outbox_schema (\n"
    "  part         text NOT NULL,\n"
    "  version      integer NOT NULL,\n"
    "  oldest_relay integer NOT NULL,\n"
    "  name         text NOT NULL,\n"
    "  applied_at   timestamptz NOT NULL DEFAULT clock_timestamp(),\n"
    "  PRIMARY KEY (part, version)\n"
    ")";

std::string record_statement(const schema::Migration& migration) {
  return "INSERT INTO public.outbox_schema (part, version, oldest_relay, name) VALUES ('" +
         std::string(migration.part) + "', " + std::to_string(migration.version) + ", " +
         std::to_string(migration.oldest_relay) + ", '" + std::string(migration.name) + "')";
}

bool has_schema_table(Connection& connection) {
  // Not to_regclass(): that may answer from a cache older than the lock just taken.
  return connection
             .execute(
                 "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                 "WHERE n.nspname = 'public' AND c.relname = 'outbox_schema'")
             .rows() == 1;
}

bool contains(const std::vector<AppliedMigration>& applied, const schema::Migration& migration) {
  return std::ranges::any_of(applied, [&](const AppliedMigration& one) {
    return one.part == migration.part && one.version == migration.version;
  });
}

// True when this call applied it.
bool apply(Connection& connection, const schema::Migration& migration) {
  connection.execute("BEGIN");
  connection.execute(kLock);
  if (!has_schema_table(connection)) connection.execute(kSchemaTable);
  const bool pending = !contains(applied_migrations(connection), migration);
  if (pending) {
    connection.execute(std::string(migration.sql));
    connection.execute(record_statement(migration));
  }
  connection.execute("COMMIT");
  return pending;
}

}  // namespace

std::vector<AppliedMigration> applied_migrations(Connection& connection) {
  std::vector<AppliedMigration> applied;
  if (!has_schema_table(connection)) return applied;
  const Result rows = connection.execute(
      "SELECT part, version, applied_at FROM public.outbox_schema ORDER BY applied_at, part, version");
  for (int row = 0; row < rows.rows(); ++row) {
    applied.push_back(
        {std::string(rows.value(row, 0)), std::stoi(std::string(rows.value(row, 1))), std::string(rows.value(row, 2))});
  }
  return applied;
}

std::vector<schema::Migration> pending_migrations(std::span<const schema::Migration> all,
                                                  const std::vector<AppliedMigration>& applied, std::string_view part) {
  for (const AppliedMigration& one : applied) {
    const bool known = std::ranges::any_of(
        all, [&](const schema::Migration& each) { return each.part == one.part && each.version == one.version; });
    if (!known && (part.empty() || part == one.part)) {
      throw core::DatabaseError("the database has migration " + std::to_string(one.version) + " of part " + one.part +
                                    ", which this program does not know; use a newer outboxctl",
                                false, common::ExitCode::dependency_refused);
    }
  }
  std::vector<schema::Migration> pending;
  for (const schema::Migration& each : all) {
    if ((part.empty() || part == each.part) && !contains(applied, each)) pending.push_back(each);
  }
  return pending;
}

std::vector<schema::Migration> migrate_up(Connection& connection, std::span<const schema::Migration> all,
                                          std::string_view part) {
  std::vector<schema::Migration> done;
  for (const schema::Migration& each : pending_migrations(all, applied_migrations(connection), part)) {
    try {
      if (apply(connection, each)) done.push_back(each);
    } catch (const SqlError& error) {
      const SqlError named("migration " + std::string(each.name) + ": " + error.what(), error.retryable(),
                           error.exit_code(), error.sqlstate());
      connection.close();  // the transaction with it
      throw named;
    }
  }
  return done;
}

std::string migration_script(std::span<const schema::Migration> pending) {
  std::string script;
  for (const schema::Migration& each : pending) {
    script += "-- " + std::string(each.name) + "\nBEGIN;\n" + kLock + ";\n";
    std::string table = kSchemaTable;
    table.replace(0, std::string_view("CREATE TABLE").size(), "CREATE TABLE IF NOT EXISTS");
    script += table + ";\n" + std::string(each.sql);
    script += "\n" + record_statement(each) + ";\nCOMMIT;\n\n";
  }
  return script;
}

void check_schema_version(Connection& connection, int version, int oldest_version) {
  const auto refuse = [&](const std::string& what) {
    throw core::DatabaseError("database " + connection.describe() + ": " + what, false,
                              common::ExitCode::dependency_refused);
  };
  if (!has_schema_table(connection)) {
    refuse("the outbox tables are missing; run: outboxctl migrate up --dsn …");
  }
  const Result rows = connection.execute(
      "SELECT version, oldest_relay FROM public.outbox_schema WHERE part = 'outbox' ORDER BY version DESC LIMIT 1");
  if (rows.rows() == 0) refuse("the outbox tables are missing; run: outboxctl migrate up --dsn …");
  const int found = std::stoi(std::string(rows.value(0, 0)));
  const int oldest_relay = std::stoi(std::string(rows.value(0, 1)));
  if (found < oldest_version) {
    refuse("schema version " + std::to_string(found) + " is too old, this program works with " +
           std::to_string(oldest_version) + " to " + std::to_string(version) + "; run: outboxctl migrate up --dsn …");
  }
  if (oldest_relay > version) {
    refuse("schema version " + std::to_string(found) + " is too new, this program works with " +
           std::to_string(oldest_version) + " to " + std::to_string(version) + "; install a newer relay");
  }
}

}  // namespace relay::pg
