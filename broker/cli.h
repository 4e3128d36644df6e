// outbox-broker's command line: what was asked for. Doing it is main's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config.h"

namespace broker {

struct CommandLine {
  enum class Action {
    run,
    check,             // read everything, change nothing, say what is damaged
    dump,              // print a folder or one of its files
    config_reference,  // print the table of keys in Markdown
    leave,             // everything was said already (help, version, a usage error): end with exit_code
  };
  Action action = Action::run;
  Flags flags;
  std::vector<std::string> accept_loss;  // run: TOPIC/PARTITION, each checked to have that form
  std::string path;                      // check, dump: the folder or file; empty: the data folder
  std::int64_t dump_from = 0;
  std::uint64_t dump_limit = ~static_cast<std::uint64_t>(0);
  int exit_code = 0;
};

// Prints help and the version to stdout, a usage error (exit code 64) to stderr.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version);

}  // namespace broker
