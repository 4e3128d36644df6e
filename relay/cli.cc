// outbox-relay's command line on CLI11, which is known to this file alone.
#include "relay/cli.h"

#include <CLI/CLI.hpp>

#include "common/error.h"

namespace relay {
namespace {

constexpr const char* kExamples = R"(
Examples:
  outbox-relay config init relay.toml       write a first configuration, then edit it
  outbox-relay --config relay.toml config check
  outbox-relay --config relay.toml          run, until SIGTERM or Ctrl-C
  curl http://127.0.0.1:8642/statusz        what a running relay is doing

Exit codes: 0, 1 failed while running, 64 usage, 69 a dependency refuses for good, 78 configuration.)";

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version) {
  using Action = CommandLine::Action;
  CommandLine line;
  CLI::App app("Publishes committed rows of a PostgreSQL outbox table to the bundled broker or Kafka.", "outbox-relay");
  app.set_version_flag("--version", version, "Print version, revision, and what schema and data it works with");
  app.add_option("--config", line.config_file, "The configuration's file")->type_name("FILE")->capture_default_str();
  app.footer(kExamples);
  app.require_subcommand(0, 1);
  // --config may stand behind the command too.
  app.fallthrough();
  app.add_subcommand("run", "Run (this is the default)");
  CLI::App* config = app.add_subcommand("config", "Make, check or show the configuration");
  config->require_subcommand(1);
  config->fallthrough();
  CLI::App* init = config->add_subcommand("init", "Write a first configuration with every default in comments");
  init->add_option("PATH", line.path, "The new file; stdout when it is left out");
  init->callback([&] { line.action = Action::config_init; });
  config->add_subcommand("check", "Read the configuration and try what it names")->callback([&] {
    line.action = Action::config_check;
  });
  CLI::App* show = config->add_subcommand("show", "Print every key with its value, secrets redacted");
  bool reference = false;
  show->add_flag("--reference", reference, "Print the table of all keys in Markdown instead; needs no file");
  show->callback([&] { line.action = reference ? Action::config_reference : Action::config_show; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.action = Action::leave;
    // 0 for --help and --version, which CLI11 reports as errors too.
    line.exit_code = app.exit(error) == 0 ? 0 : static_cast<int>(common::ExitCode::usage);
  }
  return line;
}

}  // namespace relay
