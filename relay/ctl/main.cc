// outboxctl: the operator's tool. Exit codes as in CONTRACTS, one line per error.
#include <iostream>

#include "common/error.h"
#include "relay/ctl/command_line.h"
#include "relay/ctl/migrate_command.h"

int main(int argc, char** argv) {
  try {
    const relay::ctl::Command command = relay::ctl::parse_command_line(argc, argv);
    if (const auto* print = std::get_if<relay::ctl::Print>(&command)) {
      (print->exit_code == 0 ? std::cout : std::cerr) << print->text;
      return print->exit_code;
    }
    relay::ctl::run_migrate(std::get<relay::ctl::MigrateCommand>(command), std::cout, std::cerr);
    std::cout.flush();
    if (!std::cout) throw common::Error("cannot write to standard output");
    return static_cast<int>(common::ExitCode::ok);
  } catch (const common::Error& error) {
    std::cerr << "outboxctl: " << error.what() << "\n";
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::cerr << "outboxctl: " << error.what() << "\n";
    return static_cast<int>(common::ExitCode::failed);
  }
}
