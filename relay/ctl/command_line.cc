// The one place of outboxctl that knows CLI11.
#include "relay/ctl/command_line.h"

#include <CLI/CLI.hpp>

#include "common/error.h"
#include "common/version.h"
#include "schema/schema.h"

namespace relay::ctl {
namespace {

CLI::App* add_migrate_action(CLI::App& migrate, MigrateCommand& command, MigrateCommand::Action action,
                             const std::string& name, const std::string& help) {
  CLI::App* app = migrate.add_subcommand(name, help);
  app->add_option(
         "--dsn", command.dsn,
         "The database: \"host=… dbname=… user=…\" or postgresql://user@host/dbname, as a role that may create "
         "tables (and best also roles)")
      ->required(action != MigrateCommand::Action::sql);
  app->add_option("--password-file", command.password_file, "A file with the password, instead of one in the DSN");
  app->add_option("--only", command.only,
                  "Only this part: \"outbox\" (the message table and the relay's own), \"barrier\" (where the business "
                  "transaction runs), \"inbox\" (where a consumer runs); without it all three")
      ->check(CLI::IsMember({"outbox", "barrier", "inbox"}));
  app->callback([&command, action] { command.action = action; });
  return app;
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  CLI::App app("outboxctl: migrations and operators' commands of Outbox Relay", "outboxctl");
  app.set_version_flag("--version", common::version_text("outboxctl", {schema::kOldestVersion, schema::kVersion}));
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed, 64 wrong usage, 69 the database refuses for good, 78 a wrong DSN.");
  MigrateCommand command;
  CLI::App* migrate = app.add_subcommand("migrate", "Create or update the tables and functions in a database");
  migrate->require_subcommand(1);
  using Action = MigrateCommand::Action;
  add_migrate_action(*migrate, command, Action::up, "up", "Apply what is missing; safe to repeat, and to run twice");
  add_migrate_action(*migrate, command, Action::status, "status", "Say what is applied and what is missing");
  add_migrate_action(*migrate, command, Action::sql, "sql",
                     "Print what `up` would run, as a script for psql; without --dsn everything");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream out;
    app.exit(asked, out, out);
    return Print{out.str(), 0};
  } catch (const CLI::ParseError& error) {
    return Print{"outboxctl: " + std::string(error.what()) + " (see: outboxctl --help)\n",
                 static_cast<int>(common::ExitCode::usage)};
  }
  return command;
}

}  // namespace relay::ctl
