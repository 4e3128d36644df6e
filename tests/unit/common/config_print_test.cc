// What the table of keys prints: what is set, a first file, Markdown. Each parses again where it should.
#include "common/config/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/common/sample_config.h"

using testing::HasSubstr;
using testing::Not;

namespace {

// Takes the "# " from every line that looks like a key or a table.
std::string uncommented(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const bool key =
        line.starts_with("# ") && line.find(" = ") != std::string::npos && line.find("Default") == std::string::npos;
    out += (key || line.starts_with("# [") ? line.substr(2) : line) + '\n';
  }
  return out;
}

}  // namespace

TEST(ConfigPrint, ShowsWhatParsesToTheSame) {
  const std::string text = R"([[pump]]
name = "a\"b\n"
[pump.extra]
"x.y" = "1"
[[pump]]
name = "c"
pause = "500ms"
[house]
factor = 1.5
derived = "1m30s"
)";
  const sample::Root root = sample::load(text);
  const std::string shown = common::config::show(sample::schema(), &root);
  EXPECT_THAT(shown, HasSubstr("name = \"a\\\"b\\n\"\n"));
  EXPECT_THAT(
      shown,
      HasSubstr("room = \"16MiB\"\nfactor = 1.5\nlit = true\ncolour = \"green\"\nguests = [\"ann\", \"bob\"]\n"));
  EXPECT_THAT(shown, Not(HasSubstr("steam")));
  const sample::Root again = sample::load(shown);
  EXPECT_EQ(common::config::show(sample::schema(), &again), shown);
}

TEST(ConfigPrint, RedactsSecrets) {
  const sample::Root root = sample::load("[house]\nsecret = \"geheim\"\n");
  const std::string shown = common::config::show(sample::schema(), &root);
  EXPECT_THAT(shown, Not(HasSubstr("geheim")));
  EXPECT_THAT(shown, HasSubstr("secret = \"(redacted)\""));
}

TEST(ConfigPrint, WritesAFirstFileThatParses) {
  const std::string text = common::config::initial_file(sample::schema(), "A heading.");
  EXPECT_THAT(text, HasSubstr("# A heading.\n"));
  const sample::Root root = sample::load(text);
  EXPECT_EQ(root.pumps.at(0).name, "north");
  // The comments show the defaults, and a line without its # is a valid one.
  const sample::Root all = sample::load(uncommented(text));
  EXPECT_EQ(all.pumps.at(0).speed, 5);
  EXPECT_EQ(all.pumps.at(0).extra.at("a.b"), "c");
  EXPECT_EQ(all.house.derived, std::chrono::seconds(5));
}

TEST(ConfigPrint, WritesMarkdown) {
  const std::string text = common::config::markdown(sample::schema());
  EXPECT_THAT(text, HasSubstr("| `name` | required |  | Its name. |\n"));
  EXPECT_THAT(text, HasSubstr("| `speed` | `5` | from 1 to 9 | Turns a second. |\n"));
  EXPECT_THAT(text, HasSubstr("| `room` | `\"16MiB\"` | at least 1KiB | How much \\| fits. |\n"));
  EXPECT_THAT(text, HasSubstr("| `derived` | half of pause |  | Made of others. |\n"));
  EXPECT_THAT(text, HasSubstr("| `colour` | `\"green\"` | \"red\" or \"green\" | Its colour. |\n"));
}
