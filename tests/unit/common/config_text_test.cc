// Small pieces of configuration: near words, variables, files with secrets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/config/load.h"
#include "common/config/nearest.h"
#include "tests/unit/common/sample_config.h"

using testing::HasSubstr;
using testing::Not;

namespace {

struct ConfigFiles : testing::Test {
  std::filesystem::path folder;
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "outbox-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
    return (folder / name).string();
  }
};

}  // namespace

TEST(Nearest, FindsTheWordThatWasMeant) {
  constexpr std::string_view kKnown[] = {"poll_min", "poll_max", "sweep_interval", "ttl", "log"};
  const std::pair<const char*, const char*> table[] = {{"pol_min", "poll_min"},
                                                       {"poll-max", "poll_max"},
                                                       {"sweepinterval", "sweep_interval"},
                                                       {"tlt", "ttl"},
                                                       {"foo", ""},
                                                       {"", ""},
                                                       {"completely_else", ""}};
  for (const auto& [word, expected] : table) EXPECT_EQ(common::config::nearest(word, kKnown), expected) << word;
  EXPECT_EQ(common::config::nearest(std::string(1'000, 'x'), kKnown), "");
}

TEST(Variables, LeaveABareDollarAlone) {
  for (const char* text : {"$", "$x", "a$", "$$", "}", "{}", "$ {SET}"}) {
    EXPECT_EQ(*common::config::expand_variables(text, sample::environment()), text);
  }
  EXPECT_EQ(*common::config::expand_variables("$${SET}${NOT:-a:-b$c}", sample::environment()), "$valuea:-b$c");
  EXPECT_EQ(*common::config::expand_variables("x${EMPTY}y", sample::environment()), "xy");
}

TEST_F(ConfigFiles, ReadASecretBesideTheConfiguration) {
  const std::string config = (folder / "relay.toml").string();
  const std::string absolute = write("secret", "geheim\n");
  EXPECT_EQ(*common::config::read_secret_file("secret", config), "geheim");
  EXPECT_EQ(*common::config::read_secret_file(absolute, "elsewhere/relay.toml"), "geheim");
  (void)write("windows", "geheim\r\n");
  EXPECT_EQ(*common::config::read_secret_file("windows", config), "geheim");
  (void)write("blank", " geheim ");
  EXPECT_EQ(*common::config::read_secret_file("blank", config), " geheim ");
}

TEST_F(ConfigFiles, RefuseASecretThatIsNone) {
  const std::string config = (folder / "relay.toml").string();
  (void)write("empty", "\n");
  (void)write("two", "geheim\nzwei\n");
  (void)write("large", std::string(70'000, 'x'));
  const std::pair<const char*, const char*> table[] = {
      {"empty", "is empty"},          {"two", "has more than one line"},
      {"large", "larger than 64KiB"}, {"missing", "No such file"},
      {".", "is a folder"},           {"", "name is empty"}};
  for (const auto& [name, part] : table) {
    const auto secret = common::config::read_secret_file(name, config);
    EXPECT_FALSE(secret) << name;
    EXPECT_THAT(secret.problem, HasSubstr(part)) << name;
    EXPECT_THAT(secret.problem, Not(HasSubstr("geheim"))) << name;
  }
}

TEST_F(ConfigFiles, RefuseAConfigurationThatIsNone) {
  EXPECT_EQ(common::config::read_config_file(write("a.toml", "x")), "x");
  for (const std::string& path :
       {(folder / "missing.toml").string(), folder.string(), write("b", std::string(2 << 20, 'x'))}) {
    try {
      (void)common::config::read_config_file(path);
      ADD_FAILURE() << path;
    } catch (const common::config::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path));
      EXPECT_THAT(error.what(), HasSubstr("--config FILE"));
    }
  }
}
