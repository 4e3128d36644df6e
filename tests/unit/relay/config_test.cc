// The relay's configuration: the smallest file, every default, and a table of files that are refused.
#include "relay/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::string kSource = "[[source]]\nname = \"shop\"\ndsn = \"host=127.0.0.1 dbname=shop user=outbox_relay\"\n";
const std::string kSink = "[sink]\nbootstrap_servers = \"127.0.0.1:9092\"\n";

std::optional<std::string> owned(std::string_view name) {
  if (name == "acks") return "acks is the relay's own: for a reason";
  return std::nullopt;
}

std::optional<std::string> no_variable(const std::string&) { return std::nullopt; }

relay::RelayConfig parse(const std::string& text, const std::string& file = "relay.toml") {
  return relay::parse_config(file, text, owned, no_variable);
}

std::string error_of(const std::string& text, const std::string& file = "relay.toml") {
  try {
    (void)parse(text, file);
    return "no error";
  } catch (const common::config::Error& error) {
    return error.what();
  }
}

}  // namespace

TEST(RelayConfig, ReadsTheSmallestFileWithAllDefaults) {
  const relay::RelayConfig config = parse(kSource + kSink);
  const relay::SourceConfig& source = config.sources.at(0);
  EXPECT_EQ(source.table, "public.message_record");
  EXPECT_EQ(source.sink, "default");
  EXPECT_EQ(source.keep_delivered, hours(24));
  EXPECT_EQ(source.poll_min, milliseconds(2));
  EXPECT_EQ(source.poll_max, milliseconds(500));
  EXPECT_EQ(source.sweep_interval, seconds(5));
  EXPECT_EQ(source.in_flight_rows, 10'000);
  EXPECT_EQ(source.in_flight_bytes.value(), 16 << 20);
  EXPECT_THAT(source.check_back_allow, ElementsAre("http://127.0.0.1:*", "http://localhost:*"));
  EXPECT_EQ(config.sinks.at(0).name, "default");
  EXPECT_EQ(config.sinks.at(0).silence_timeout, seconds(8));
  EXPECT_EQ(config.lease.ttl, seconds(15));
  EXPECT_EQ(config.retry.first, seconds(10));
  EXPECT_EQ(config.retry.max, minutes(10));
  EXPECT_EQ(config.retry.limit, 16);
  EXPECT_EQ(config.retry.jitter, 0.2);
  EXPECT_EQ(config.check_back.first, seconds(6));
  EXPECT_EQ(config.check_back.max, seconds(60));
  EXPECT_EQ(config.check_back.limit, 15);
  EXPECT_EQ(config.check_back.budget, hours(24));
  EXPECT_EQ(config.check_back.timeout, seconds(3));
  EXPECT_EQ(config.check_back.in_flight, 32);
  EXPECT_EQ(config.alert.wait, seconds(10));
  EXPECT_EQ(config.alert.repeat, hours(4));
  EXPECT_EQ(config.admin.address.text(), "127.0.0.1:8642");
  EXPECT_EQ(config.web.address.text(), "127.0.0.1:8640");
}

TEST(RelayConfig, TellsTheCoreTheSame) {
  const relay::RelayConfig config =
      parse(kSource + "order = \"none\"\ndead_rows = \"skip\"\n" + kSink + "[lease]\nttl = \"3s\"\n");
  const relay::core::SourceOptions options = config.source_options(config.sources.at(0));
  const relay::core::SourceOptions defaults;
  EXPECT_EQ(options.name, "shop");
  EXPECT_FALSE(options.ordered);
  EXPECT_EQ(options.dead_rows, relay::core::DeadRows::skip);
  EXPECT_EQ(options.lease_ttl, seconds(3));
  EXPECT_EQ(options.silence_timeout, milliseconds(1'600));
  EXPECT_EQ(options.poll_max, defaults.poll_max);
  EXPECT_EQ(options.in_flight_bytes, defaults.in_flight_bytes);
  EXPECT_EQ(options.retry.limit, defaults.retry.limit);
  EXPECT_EQ(options.retry.max, defaults.retry.max);
  EXPECT_EQ(options.check.budget, defaults.check.budget);
  EXPECT_EQ(options.check.in_flight, defaults.check.in_flight);
}

TEST(RelayConfig, ReadsManySourcesAndSinks) {
  const relay::RelayConfig config = parse(R"(
[[source]]
name = "shop"
dsn = "dbname=shop"
sink = "kafka"
[[source]]
name = "stock"
dsn = "dbname=stock"
[[sink]]
bootstrap_servers = "127.0.0.1:9092"
[[sink]]
name = "kafka"
bootstrap_servers = "a:9092,b:9092"
silence_timeout = "5s"
[sink.properties]
security.protocol = "ssl"
)");
  EXPECT_EQ(config.sink_of(config.sources[0]).bootstrap_servers, "a:9092,b:9092");
  EXPECT_EQ(config.sink_of(config.sources[0]).properties.at("security.protocol"), "ssl");
  EXPECT_EQ(config.sink_of(config.sources[1]).name, "default");
}

TEST(RelayConfig, RefusesWithPlaceAndWayOut) {
  const std::pair<std::string, const char*> table[] = {
      {"", "relay.toml: no [[source]]; add one with name and dsn"},
      {kSource, "relay.toml: no [sink]; add one with bootstrap_servers"},
      {"[[source]]\nname = \"shop\"\n" + kSink, "relay.toml:1:1: source.dsn: missing; say which database"},
      {"[[source]]\nname = \"shop\"\ndsn = \"\"\n" + kSink, "relay.toml:3:1: source.dsn: empty"},
      {"[[source]]\nname = \"Shop\"\ndsn = \"x=y\"\n" + kSink,
       "relay.toml:2:1: source.name: \"Shop\" is no name; write 1 to 40"},
      {"[[source]]\nname = \"" + std::string(41, 'a') + "\"\ndsn = \"x=y\"\n" + kSink, "is no name"},
      {kSource + kSource + kSink, "relay.toml:5:1: source.name: \"shop\" is taken by another one"},
      {kSource + "[[source]]\nname = \"b\"\ndsn = \"host=127.0.0.1 dbname=shop user=outbox_relay\"\n" + kSink,
       "another source reads the same table of the same database"},
      {kSource + "dsn_file = \"x\"\n" + kSink, "relay.toml:4:1: source.dsn_file: dsn is there too"},
      {kSource + "password_file = \"/nowhere/x\"\n" + kSink,
       "source.password_file: cannot read /nowhere/x: No such file"},
      {kSource + "sink = \"kafka\"\n" + kSink,
       "relay.toml:4:1: source.sink: there is no [[sink]] with name = \"kafka\""},
      {kSource + "poll_min = \"1s\"\n" + kSink, "source.poll_min: longer than poll_max, which is 500ms"},
      {kSource + "table = \"\"\n" + kSink, "source.table: empty; write schema.table"},
      {kSource + "check_back_allow = [\"http://a:1/x\"]\n" + kSink, "has more than scheme, host and port"},
      {kSource + "check_back_allow = [\"http://u:p@a:1\"]\n" + kSink, "has more than scheme, host and port"},
      {kSource + "check_back_allow = [\"a:1\"]\n" + kSink, "a URL begins with http://"},
      {kSource + "check_back_allow = [\"https://a:1\"]\n" + kSink, "https is not available in this version"},
      {kSource + "mode = \"delete\"\n" + kSink, "source.mode: \"delete\" is not available in this version"},
      {kSource + "wake = \"notify\"\n" + kSink, "source.wake: \"notify\" is not available in this version"},
      {kSource + "columns = {}\n" + kSink, "source.columns: not available in this version"},
      {kSource + "listen_dsn = \"\"\n" + kSink, "source.listen_dsn: not available in this version"},
      {kSource + "check_back_secret_file = \"x\"\n" + kSink, "source.check_back_secret_file: not available"},
      {kSource + kSink + "fencing = \"transactions\"\n", "sink.fencing: \"transactions\" is not available"},
      {kSource + kSink + "on_broker_loss = \"republish\"\n", "sink.on_broker_loss: \"republish\" is not available"},
      {kSource + kSink + "republish_limit_rows = 5\n", "sink.republish_limit_rows: not available"},
      {kSource + kSink + "silence_timeout = \"10s\"\n",
       "sink.silence_timeout: 10s is not below 2/3 of lease.ttl, which is 15s"},
      {kSource + kSink + "[lease]\nttl = \"1s\"\n",
       "relay.toml:7:1: lease.ttl: this is too small; write from 2s to 1h"},
      {kSource + kSink + "[sink.properties]\nacks = \"1\"\n",
       "relay.toml:7:1: sink.properties.acks: acks is the relay's own"},
      {kSource + kSink + "[sink.properties]\n\"sasl.password\" = \"a\"\n\"sasl.password_file\" = \"b\"\n",
       "\"sasl.password\" is there too"},
      {kSource + kSink + "[sink.properties]\n\"acks_file\" = \"/nowhere\"\n", "cannot read /nowhere"},
      {kSource + kSink + "[retry]\nfirst = \"1h\"\n", "retry.first: longer than retry.max"},
      {kSource + kSink + "[check_back]\nfirst = \"2m\"\n", "check_back.first: longer than check_back.max"},
      {kSource + kSink + "[web]\nlisten = \"0.0.0.0:8640\"\n", "web.listen: \"0.0.0.0:8640\" is beyond loopback"},
      {kSource + kSink + "[admin]\nlisten = \"shop.example:1\"\n",
       "admin.listen: \"shop.example:1\" is beyond loopback"},
      {kSource + kSink + "[web]\nlisten = \"127.0.0.1:8642\"\n", "web.listen: the same address as admin.listen"},
      {kSource + kSink + "[web]\nlisten = \"127.0.0.1\"\n", "web.listen: \"127.0.0.1\": the port is missing"},
      {kSource + kSink + "[alert]\nwebhook_url = \"geheim\"\n", "alert.webhook_url: a URL begins with http://"},
      {kSource + kSink + "[log]\nlevel = \"loud\"\n", "write \"debug\", \"info\", \"warn\" or \"error\""}};
  for (const auto& [text, part] : table) {
    EXPECT_THAT(error_of(text), HasSubstr(part)) << text;
    EXPECT_THAT(error_of(text), Not(HasSubstr("geheim"))) << text;
  }
}

TEST(RelayConfig, AcceptsJustBelowTwoThirds) {
  EXPECT_EQ(error_of(kSource + kSink + "silence_timeout = \"9999ms\"\n"), "no error");
}

TEST(RelayConfig, ShowsNoSecretAndParsesAgain) {
  const relay::RelayConfig config =
      parse("[[source]]\nname = \"shop\"\ndsn = \"dbname=shop password=geheim\"\n" + kSink +
            "[sink.properties]\n\"sasl.password\" = \"geheim\"\n\"sasl.username\" = \"relay\"\n[alert]\nwebhook_url = "
            "\"http://a/geheim\"\n");
  EXPECT_THAT(config.shown, Not(HasSubstr("geheim")));
  EXPECT_THAT(config.shown, HasSubstr("dsn = \"dbname=shop password=(redacted)\"\n"));
  EXPECT_THAT(config.shown, HasSubstr("\"sasl.username\" = \"relay\"\n"));
  EXPECT_THAT(config.shown, HasSubstr("silence_timeout = \"8s\"\n"));
  EXPECT_EQ(config.sources[0].dsn, "dbname=shop password=geheim") << "only what is shown is redacted";
  EXPECT_EQ(parse(config.shown).shown, config.shown);
}

TEST(RelayConfig, ReadsSecretsFromFiles) {
  std::string name = (std::filesystem::temp_directory_path() / "outbox-relay-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  const auto write = [&](const char* file, const char* text) { std::ofstream(folder / file) << text; };
  write("dsn", "dbname=shop\n");
  write("password", "geheim\n");
  write("sasl", "geheim2\n");
  write("url", "http://127.0.0.1:1/geheim3\n");
  const relay::RelayConfig config =
      parse("[[source]]\nname = \"shop\"\ndsn_file = \"dsn\"\npassword_file = \"password\"\n" + kSink +
                "[sink.properties]\n\"sasl.password_file\" = \"sasl\"\n[alert]\nwebhook_url_file = \"url\"\n",
            (folder / "relay.toml").string());
  EXPECT_EQ(config.sources[0].dsn, "dbname=shop");
  EXPECT_EQ(config.sources[0].password, "geheim");
  EXPECT_EQ(config.sinks[0].properties, (common::config::Properties{{"sasl.password", "geheim2"}}));
  EXPECT_EQ(config.alert.webhook_url, "http://127.0.0.1:1/geheim3");
  EXPECT_THAT(config.shown, Not(HasSubstr("geheim")));
  EXPECT_THAT(config.shown, HasSubstr("\"sasl.password_file\" = \"sasl\""));
  // An owned property does not come in through a file either.
  write("acks", "1");
  EXPECT_THAT(error_of(kSource + kSink + "[sink.properties]\nacks_file = \"acks\"\n", (folder / "relay.toml").string()),
              HasSubstr("acks is the relay's own"));
  std::filesystem::remove_all(folder);
}

TEST(RelayConfig, WritesAFirstFileThatIsTheSmallestOne) {
  const relay::RelayConfig first = parse(relay::initial_config());
  EXPECT_EQ(first.shown, parse(kSource + kSink).shown);
}

TEST(RelayConfig, NeverOverwritesAFile) {
  std::string name = (std::filesystem::temp_directory_path() / "outbox-relay-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path path = std::filesystem::path(name) / "relay.toml";
  relay::write_initial_config(path.string());
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(error_of(common::config::read_config_file(path.string())), "no error");
  try {
    relay::write_initial_config(path.string());
    ADD_FAILURE() << "overwritten";
  } catch (const common::config::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("File exists; name another file"));
  }
  std::filesystem::remove_all(name);
}
