// From the command line to relay/pg's migration machinery, and its outcome in words.
#include "relay/ctl/migrate_command.h"

#include <fstream>
#include <ostream>

#include "common/error.h"
#include "relay/pg/migrate.h"

namespace relay::ctl {
namespace {

std::string read_password(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path);
  std::string password;
  if (!file || !std::getline(file, password)) {
    throw common::Error("cannot read a password from " + path, false, common::ExitCode::configuration);
  }
  return password;
}

void print_status(std::ostream& out, const std::vector<pg::AppliedMigration>& applied,
                  const std::vector<schema::Migration>& pending, const std::string& only) {
  for (const pg::AppliedMigration& one : applied) {
    if (only.empty() || only == one.part) {
      out << one.part << " " << one.version << ": applied " << one.applied_at << "\n";
    }
  }
  for (const schema::Migration& each : pending) {
    out << each.part << " " << each.version << ": missing (" << each.name << ")\n";
  }
}

}  // namespace

void run_migrate(const MigrateCommand& command, std::ostream& out, std::ostream& notes) {
  using Action = MigrateCommand::Action;
  if (command.dsn.empty()) {
    out << pg::migration_script(pg::pending_migrations(schema::migrations(), {}, command.only));
    return;
  }
  pg::Connection connection({.dsn = command.dsn,
                             .password = read_password(command.password_file),
                             .application_name = "outboxctl",
                             .timeout = std::chrono::seconds(10)},
                            nullptr);
  connection.connect();
  connection.set_timeout(std::chrono::milliseconds(0));  // a migration takes what it takes
  if (command.action == Action::up) {
    const auto done = pg::migrate_up(connection, schema::migrations(), command.only);
    for (const std::string& notice : connection.take_notices()) notes << "outboxctl: " << notice << "\n";
    for (const schema::Migration& each : done) out << "applied " << each.name << "\n";
    if (done.empty()) out << "nothing to do, the database is up to date\n";
    return;
  }
  const auto applied = pg::applied_migrations(connection);
  const auto pending = pg::pending_migrations(schema::migrations(), applied, command.only);
  if (command.action == Action::status) {
    print_status(out, applied, pending, command.only);
  } else {
    out << pg::migration_script(pending);
  }
}

}  // namespace relay::ctl
