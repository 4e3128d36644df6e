// outboxctl's commands as values; CLI11 stays in command_line.cc.
#pragma once

#include <string>
#include <variant>

namespace relay::ctl {

struct MigrateCommand {
  enum class Action { up, status, sql };
  Action action = Action::up;
  std::string dsn;            // empty: only `sql`, which then prints every migration
  std::string password_file;  // empty: what the DSN, PGPASSWORD or ~/.pgpass say
  std::string only;           // a part of the schema; empty: all of them
};

// Nothing to do but to print `text` (help, version, a usage error) and to end.
struct Print {
  std::string text;
  int exit_code = 0;  // not 0: `text` is for stderr
};

using Command = std::variant<MigrateCommand, Print>;

[[nodiscard]] Command parse_command_line(int argc, const char* const* argv);

}  // namespace relay::ctl
