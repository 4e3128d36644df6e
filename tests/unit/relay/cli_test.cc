// outbox-relay's command line.
#include "relay/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

using relay::CommandLine;
using Action = CommandLine::Action;
using testing::HasSubstr;

namespace {

struct Said {
  CommandLine line;
  std::string out;
  std::string err;
};

Said parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "outbox-relay");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said;
  said.line = relay::parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "outbox-relay 1.2.3");
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

}  // namespace

TEST(Cli, KnowsWhatWasAskedFor) {
  EXPECT_EQ(parse({}).line.action, Action::run);
  EXPECT_EQ(parse({}).line.config_file, "relay.toml");
  EXPECT_EQ(parse({"run"}).line.action, Action::run);
  EXPECT_EQ(parse({"--config", "a"}).line.config_file, "a");
  EXPECT_EQ(parse({"run", "--config", "a"}).line.config_file, "a");
  EXPECT_EQ(parse({"config", "check", "--config", "a"}).line.config_file, "a");
  EXPECT_EQ(parse({"config", "check"}).line.action, Action::config_check);
  EXPECT_EQ(parse({"config", "show"}).line.action, Action::config_show);
  EXPECT_EQ(parse({"config", "show", "--reference"}).line.action, Action::config_reference);
  EXPECT_EQ(parse({"config", "init"}).line.action, Action::config_init);
  EXPECT_EQ(parse({"config", "init", "x.toml"}).line.path, "x.toml");
}

TEST(Cli, LeavesWithUsageErrors) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"--nope"},
                                                                     {"nope"},
                                                                     {"config"},
                                                                     {"config", "nope"},
                                                                     {"--config"},
                                                                     {"run", "extra"},
                                                                     {"config", "init", "a", "b"}}) {
    const Said said = parse(arguments);
    EXPECT_EQ(said.line.action, Action::leave) << arguments.front();
    EXPECT_EQ(said.line.exit_code, 64) << arguments.front();
    EXPECT_THAT(said.err, HasSubstr("--help")) << arguments.front();
    EXPECT_EQ(said.out, "") << arguments.front();
  }
}

TEST(Cli, PrintsHelpAndVersion) {
  const Said help = parse({"--help"});
  EXPECT_EQ(help.line.action, Action::leave);
  EXPECT_EQ(help.line.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("Examples:"), HasSubstr("config init"), HasSubstr("64 usage")));
  const Said version = parse({"--version"});
  EXPECT_EQ(version.line.exit_code, 0);
  EXPECT_EQ(version.out, "outbox-relay 1.2.3\n");
}
