// Command line → configuration → the action asked for.
#include "relay/run.h"

#include <cstdio>
#include <exception>

#include "common/config/print.h"
#include "common/log.h"
#include "common/version.h"
#include "relay/app.h"
#include "relay/cli.h"
#include "relay/config_check.h"
#include "relay/kafka/properties.h"
#include "schema/schema.h"

namespace relay {
namespace {

int run_relay(const RelayConfig& config, const WrapPublisher& wrap) {
  common::log::configure(config.log.level, config.log.format);
  common::Shutdown shutdown;
  App app(config, wrap);
  return app.run(shutdown);
}

int act(const CommandLine& line, const WrapPublisher& wrap) {
  switch (line.action) {
    case CommandLine::Action::leave:
      return line.exit_code;
    case CommandLine::Action::config_init:
      if (line.path.empty()) {
        std::fputs(initial_config().c_str(), stdout);
      } else {
        write_initial_config(line.path);
      }
      return 0;
    case CommandLine::Action::config_reference:
      std::fputs(common::config::markdown(config_schema()).c_str(), stdout);
      return 0;
    case CommandLine::Action::config_show:
      std::fputs(load_config(line.config_file, kafka::owned_property).shown.c_str(), stdout);
      return 0;
    case CommandLine::Action::config_check:
      return check_config(load_config(line.config_file, kafka::owned_property));
    case CommandLine::Action::run:
      return run_relay(load_config(line.config_file, kafka::owned_property), wrap);
  }
  return static_cast<int>(common::ExitCode::usage);
}

}  // namespace

int run_program(int argc, const char* const* argv, const WrapPublisher& wrap) {
  try {
    const auto version = common::version_text("outbox-relay", {schema::kOldestVersion, schema::kVersion});
    return act(parse_command_line(argc, argv, version), wrap);
  } catch (const common::Error& error) {
    std::fprintf(stderr, "outbox-relay: %s\n", error.what());
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "outbox-relay: %s\n", error.what());
    return static_cast<int>(common::ExitCode::failed);
  }
}

}  // namespace relay
