// Applies the numbered migrations: forward only, each in one transaction, safe when two run at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/pg/connection.h"
#include "schema/schema.h"

namespace relay::pg {

struct AppliedMigration {
  std::string part;
  int version = 0;
  std::string applied_at;  // as the database prints it
};

// What outbox_schema says, in order; empty before the first migration.
std::vector<AppliedMigration> applied_migrations(Connection& connection);

// Those of `all` (of one part unless `part` is empty) that are not in `applied`. Throws core::DatabaseError (definite)
// when the database is ahead of `all` in a part: this program is too old for it.
std::vector<schema::Migration> pending_migrations(std::span<const schema::Migration> all,
                                                  const std::vector<AppliedMigration>& applied, std::string_view part);

// Applies what is pending, in order; what was done here. A step that somebody else did meanwhile is skipped. Throws
// core::DatabaseError naming the file; that step then left nothing behind, the ones before it stay.
std::vector<schema::Migration> migrate_up(Connection& connection, std::span<const schema::Migration> all,
                                          std::string_view part);

// The same as a script for psql.
std::string migration_script(std::span<const schema::Migration> pending);

// What the relay checks when it connects. Throws core::DatabaseError (definite, exit code 69) when the database's
// "outbox" part is missing, too old for this program, or so new that it asks for a newer one.
void check_schema_version(Connection& connection, int version = schema::kVersion,
                          int oldest_version = schema::kOldestVersion);

}  // namespace relay::pg
