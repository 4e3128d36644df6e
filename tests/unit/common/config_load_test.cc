// From TOML to a struct by a table: values, defaults, and a table of bad files with what is said about each.
#include "common/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/seed.h"
#include "tests/unit/common/sample_config.h"

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

namespace {

constexpr const char* kWhole = R"(# a comment
[[pump]]
name = "north"
speed = 7
pause = "1m30s"
[pump.extra]
"security.protocol" = "${SET}"
ssl.ca.location = "/x"
retries = 3
[[pump]]
name = "south-${SET}-${NOT:-none}-$x"
[house]
room = "1GiB"
factor = 3
lit = false
colour = "red"
guests = ["${EMPTY:-carl}"]
)";

}  // namespace

TEST(ConfigLoad, ReadsEveryKind) {
  const sample::Root root = sample::load(kWhole);
  ASSERT_EQ(root.pumps.size(), 2U);
  EXPECT_EQ(root.pumps[0].name, "north");
  EXPECT_EQ(root.pumps[0].speed, 7);
  EXPECT_EQ(root.pumps[0].pause, seconds(90));
  EXPECT_THAT(root.pumps[0].extra,
              ElementsAre(Pair("retries", "3"), Pair("security.protocol", "value"), Pair("ssl.ca.location", "/x")));
  EXPECT_EQ(root.pumps[1].name, "south-value-none-$x");
  EXPECT_EQ(root.pumps[1].speed, 5) << "its default";
  EXPECT_EQ(root.house.room.value(), 1LL << 30);
  EXPECT_EQ(root.house.factor, 3);
  EXPECT_FALSE(root.house.lit);
  EXPECT_EQ(root.house.colour, sample::Colour::red);
  EXPECT_THAT(root.house.guests, ElementsAre("carl"));
}

TEST(ConfigLoad, TakesDefaultsOfASectionThatIsNotThere) {
  const sample::Root root = sample::load("");
  EXPECT_TRUE(root.pumps.empty());
  EXPECT_EQ(root.house.room.value(), 1 << 24);
  EXPECT_TRUE(root.house.lit);
  EXPECT_EQ(root.house.colour, sample::Colour::green);
  EXPECT_THAT(root.house.guests, ElementsAre("ann", "bob"));
}

TEST(ConfigLoad, TakesOneTableForARepeatedSection) {
  EXPECT_EQ(sample::load("[pump]\nname = \"x\"\n").pumps.at(0).name, "x");
}

TEST(ConfigLoad, RefusesWithPlaceAndWayOut) {
  const std::pair<const char*, const char*> table[] = {
      {"[house]\nlit = tru", "sample.toml:2:"},
      {"[house\n", "no valid TOML"},
      {"[house]\nlit = true\nlit = true", "sample.toml:3:"},
      {"[house]\nrom = \"1GiB\"", "sample.toml:2:1: unknown key \"rom\" in [house]; did you mean \"room\"?"},
      {"[house]\nspeed = 3", "sample.toml:2:1: unknown key \"speed\" in [house]; it belongs in [[pump]]"},
      {"[house]\nxylophone = 3", "unknown key \"xylophone\" in [house]; there is room factor lit"},
      {"[huose]\n", "unknown section \"huose\"; did you mean [house]?"},
      {"[zebra]\n", "unknown section \"zebra\"; there is [[pump]] [house]"},
      {"lit = true\n", "sample.toml:1:1: unknown key \"lit\" outside of any section; it belongs in [house]"},
      {"house = 3\n", "\"house\" is a section: write [house] on a line of its own"},
      {"[[house]]\nlit = true\n", "\"house\" is a section: write [house]"},
      {"pump = [1]\n", "\"pump\" is a section: write [[pump]]"},
      {"[[pump]]\nspeed = 3\n", "sample.toml:1:1: [[pump]] needs the key \"name\""},
      {"[[pump]]\nname = 3\n", "pump.name: this is a whole number; write a string in quotes"},
      {"[[pump]]\nname = \"x\"\npause = 10\n",
       "sample.toml:3:1: pump.pause: 10 has no unit; write a string with one, as in \"10s\""},
      {"[[pump]]\nname = \"x\"\npause = \"10\"\n", "pump.pause: \"10\" has no unit"},
      {"[[pump]]\nname = \"x\"\npause = 1.5\n", "pump.pause: this is a number; write a duration"},
      {"[[pump]]\nname = \"x\"\npause = \"2h\"\n", "pump.pause: this is too large; write from 1ms to 1h"},
      {"[[pump]]\nname = \"x\"\npause = 07:30:00\n", "pump.pause: this is a date or time"},
      {"[[pump]]\nname = \"x\"\nspeed = \"3\"\n", "pump.speed: this is a string; write a whole number without quotes"},
      {"[[pump]]\nname = \"x\"\nspeed = 0\n", "pump.speed: this is too small; write from 1 to 9"},
      {"[[pump]]\nname = \"x\"\nextra = 3\n", "pump.extra: this is a whole number; write a table"},
      {"[[pump]]\nname = \"x\"\n[pump.extra]\na = [1]\n",
       "\"a\": this is a list; write a string, a whole number, true or false"},
      {"[[pump]]\nname = \"x\"\n[pump.extra]\na.b = 1\n\"a.b\" = 2\n", "\"a.b\" stands here twice"},
      {"[[pump]]\nname = \"x\"\nsteam = 1\n",
       "sample.toml:3:1: pump.steam: not available in this version; leave it out"},
      {"[house]\nroom = 16\n", "house.room: 16 has no unit; write a string with one, as in \"16MiB\""},
      {"[house]\nroom = \"16M\"\n", "house.room: \"16M\": \"M\" is no unit"},
      {"[house]\nroom = \"1B\"\n", "house.room: this is too small; write at least 1KiB"},
      {"[house]\nfactor = nan\n", "house.factor: this is no finite number"},
      {"[house]\nfactor = inf\n", "house.factor: this is no finite number"},
      {"[house]\nfactor = \"2\"\n", "house.factor: this is a string; write a number without quotes"},
      {"[house]\nlit = \"true\"\n", "house.lit: this is a string; write true or false without quotes"},
      {"[house]\ncolour = \"pink\"\n", "house.colour: \"pink\" is none of its values; write \"red\" or \"green\""},
      {"[house]\ncolour = \"blue\"\n",
       "house.colour: \"blue\" is not available in this version; write \"red\" until it comes"},
      {"[house]\nguests = \"ann\"\n", "house.guests: this is a string; write a list of strings"},
      {"[house]\nguests = [1]\n", "house.guests: every entry of the list is a string"},
      {"[house]\nsecret = \"${NOPE}\"\n",
       "house.secret: the environment variable NOPE is not set; set it, or write ${NOPE:-default}"},
      {"[house]\nsecret = \"${NOPE:?ask the operator}\"\n",
       "the environment variable NOPE is not set: ask the operator"},
      {"[house]\nsecret = \"${EMPTY:?}\"\n", "the environment variable EMPTY is not set: it is required"},
      {"[house]\nsecret = \"${SET\"\n", "house.secret: \"${\" without its \"}\""},
      {"[house]\nsecret = \"${1X}\"\n", "names no variable"},
      {"[house]\nsecret = \"${SET:+x}\"\n", "after ${SET comes }"}};
  for (const auto& [text, part] : table) {
    EXPECT_THAT(sample::error_of(text), HasSubstr(part)) << text;
    EXPECT_THAT(sample::error_of(text), StartsWith("sample.toml:")) << text;
  }
}

TEST(ConfigLoad, TellsEverythingAtOnceInTheFilesOrder) {
  const std::string error = sample::error_of("[house]\nlit = 1\nrom = 2\n[[pump]]\nspeed = 0\n");
  EXPECT_THAT(error,
              testing::MatchesRegex(
                  "sample.toml:2:1: [^\n]*\nsample.toml:3:1: [^\n]*\nsample.toml:4:[^\n]*\nsample.toml:5:1: [^\n]*"));
}

TEST(ConfigLoad, TellsOnlySoMuch) {
  std::string text = "[house]\n";
  for (int i = 0; i < 50; ++i) text += "x" + std::to_string(i) + " = 1\n";
  const std::string error = sample::error_of(text);
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 20);
  EXPECT_THAT(error, HasSubstr("and 30 more"));
}

TEST(ConfigLoad, KnowsWhatWasGiven) {
  sample::Root root;
  auto report = common::config::load(sample::schema(), &root, "sample.toml", kWhole, sample::environment());
  EXPECT_TRUE(report.given("pump[0].speed"));
  EXPECT_FALSE(report.given("pump[1].speed"));
  report.add("pump[1].speed", "odd");
  report.add("pump[0].extra.retries", "odd too");
  EXPECT_THROW(
      {
        try {
          report.throw_if_any();
        } catch (const common::config::Error& error) {
          EXPECT_STREQ(error.what(), "sample.toml:9:1: pump.extra.retries: odd too\nsample.toml:10:1: pump.speed: odd");
          EXPECT_EQ(error.exit_code(), common::ExitCode::configuration);
          throw;
        }
      },
      common::config::Error);
}

// Whatever is done to a file: it loads or it is refused with a place, and nothing else happens.
TEST(ConfigLoad, SurvivesCorruption) {
  std::mt19937 random(test_support::seed());
  const std::string whole = kWhole;
  int refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string text = whole;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        case 2:
          text.insert(at, whole.substr(random() % whole.size(), random() % 30));
          break;
        default:
          text.insert(at, 1, "\"'[]{}=.,\n#$\\"[random() % 13]);
      }
      if (text.empty()) text = " ";
    }
    const std::string error = sample::error_of(text);
    if (error == "no error") continue;
    ++refused;
    ASSERT_THAT(error, StartsWith("sample.toml:")) << text;
  }
  EXPECT_GT(refused, 300) << "the corruption should hurt";
}

TEST(ConfigLoad, SurvivesDeepNesting) {
  EXPECT_THAT(sample::error_of("[house]\nguests = " + std::string(10'000, '[')), HasSubstr("no valid TOML"));
  EXPECT_THAT(sample::error_of("[house]\nx = " + std::string(10'000, '{')), HasSubstr("no valid TOML"));
}
