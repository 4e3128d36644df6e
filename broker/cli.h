// outbox-broker's command line: what was asked for. Doing it is main's.
#pragma once

#include <string>

#include "broker/config.h"

namespace broker {

struct CommandLine {
  enum class Action {
    run,
    check,             // read everything, say what is damaged
    dump,              // print topics, bounds, groups
    config_reference,  // print the table of keys in Markdown
    leave,             // everything was said already (help, version, a usage error): end with exit_code
  };
  Action action = Action::run;
  Flags flags;
  int exit_code = 0;
};

// Prints help and the version to stdout, a usage error (exit code 64) to stderr.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version);

}  // namespace broker
