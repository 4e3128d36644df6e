// outbox-relay's command line: what was asked for. Doing it is main's.
#pragma once

#include <string>

namespace relay {

struct CommandLine {
  enum class Action {
    run,
    config_init,       // write initial_config() to `path`, or to stdout when it is empty
    config_check,      // load the file and try what it names
    config_show,       // print RelayConfig::shown
    config_reference,  // print the table of keys in Markdown
    leave,             // everything was said already (help, version, a usage error): end with exit_code
  };
  Action action = Action::run;
  std::string config_file = "relay.toml";
  std::string path;
  int exit_code = 0;
};

// Prints help and the version to stdout, a usage error (exit code 64) to stderr.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version);

}  // namespace relay
