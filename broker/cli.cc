// outbox-broker's command line on CLI11, which is known to this file alone.
#include "broker/cli.h"

#include <CLI/CLI.hpp>

#include "common/error.h"

namespace broker {
namespace {

constexpr const char* kExamples = R"(
Examples:
  outbox-broker                                   data in ./outbox-broker-data, clients at 127.0.0.1:9092
  outbox-broker --data-dir /var/lib/outbox-broker
  kcat -b 127.0.0.1:9092 -L                       what is there
  curl http://127.0.0.1:9644/metrics
  outbox-broker check DIR                         read everything, say what is damaged
  outbox-broker dump DIR/journal/00 --limit 10    look into a file

Exit codes: 0, 1 failed while running, 64 usage, 74 a disk failed, 78 configuration or data of another version.)";

// Empty: it has the form TOPIC/PARTITION.
std::string is_partition(const std::string& text) {
  const auto slash = text.rfind('/');
  const std::string number = slash == std::string::npos ? "" : text.substr(slash + 1);
  const bool digits =
      !number.empty() && number.size() < 8 && number.find_first_not_of("0123456789") == std::string::npos;
  return slash != 0 && digits ? "" : "'" + text + "' is no TOPIC/PARTITION, as orders/0";
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version) {
  using Action = CommandLine::Action;
  CommandLine line;
  auto& flags = line.flags;
  CLI::App app("A durable broker of one process that speaks the Kafka protocol.", "outbox-broker");
  app.set_version_flag("--version", version, "Print version, revision, and what schema and data it works with");
  app.add_option("--config", flags.config_file, "A TOML file; without it the defaults hold")->type_name("FILE");
  app.add_option("--data-dir", flags.data_dir, "The data folder [outbox-broker-data]")->type_name("DIR");
  app.add_option("--listen", flags.listen, "Where Kafka clients connect [127.0.0.1:9092]")->type_name("HOST:PORT");
  app.add_option("--advertise", flags.advertise, "What clients are told to connect to [where it listens]")
      ->type_name("HOST:PORT");
  app.add_option("--admin-listen", flags.admin_listen, "Health and metrics [127.0.0.1:9644]")->type_name("HOST:PORT");
  app.add_flag("--insecure", flags.insecure, "Listen beyond loopback, without authentication");
  app.add_option("--accept-loss", line.accept_loss,
                 "Give up what is damaged in this partition, keep the rest (once; what is lost is logged and recorded)")
      ->type_name("TOPIC/PARTITION")
      ->check(is_partition);
  app.footer(kExamples);
  app.require_subcommand(0, 1);
  app.fallthrough();
  CLI::App* run = app.add_subcommand("run", "Run (this is the default)");
  run->fallthrough();
  CLI::App* check =
      app.add_subcommand("check", "Read every record of a data folder that no broker has open, change nothing");
  check->fallthrough();
  check->add_option("path", line.path, "The folder, or a copy of one [--data-dir]")->type_name("DIR");
  check->callback([&] { line.action = Action::check; });
  CLI::App* dump = app.add_subcommand("dump", "Print such a folder, or one of its files, record by record");
  dump->fallthrough();
  dump->add_option("path", line.path, "A folder, or a file in it: journal/NN, checkpoint-N, a segment [--data-dir]")
      ->type_name("DIR|FILE");
  dump->add_option("--from", line.dump_from, "Begin at this frame of the journal, or offset of a segment")
      ->type_name("N");
  dump->add_option("--limit", line.dump_limit, "Print so many frames, records or batches [all]")->type_name("N");
  dump->callback([&] { line.action = Action::dump; });
  CLI::App* reference = app.add_subcommand("config-reference", "Print the table of the file's keys in Markdown");
  reference->callback([&] { line.action = Action::config_reference; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.action = Action::leave;
    // 0 for --help and --version, which CLI11 reports as errors too.
    line.exit_code = app.exit(error) == 0 ? 0 : static_cast<int>(common::ExitCode::usage);
  }
  return line;
}

}  // namespace broker
