// `outbox-relay config check` as somebody reads it: one line for each thing tried, and nothing beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/net.h"
#include "tests/support/postgres_server.h"
#include "tests/support/programs.h"

namespace relay {
namespace {

using test_support::RunResult;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

class ConfigCheck : public testing::Test {
 protected:
  RunResult check(const std::string& dsn, const std::string& servers, const std::string& more = "") {
    const auto file = folder_.path() / "relay.toml";
    std::ofstream(file) << "[[source]]\nname = \"shop\"\ndsn = \"" << dsn << "\"\n[sink]\nbootstrap_servers = \""
                        << servers << "\"\n"
                        << more;
    return test_support::run({test_support::program("outbox-relay"), "--config", file, "config", "check"});
  }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
  }
  static std::string nowhere() { return test_support::loopback(test_support::free_port()); }
  static std::string no_database() {
    return "host=127.0.0.1 port=" + std::to_string(test_support::free_port()) + " dbname=shop user=relay";
  }

  test_support::TempDir folder_;
};

TEST_F(ConfigCheck, AnswersInOneLineEachWhenNothingIsThere) {
  const std::string servers = nowhere();
  const RunResult result = check(no_database(), servers);
  EXPECT_EQ(result.exit.code, 1);
  EXPECT_EQ(result.error_output, "");
  const auto answers = lines(result.output);
  ASSERT_EQ(answers.size(), 3U) << result.output;
  EXPECT_THAT(answers[0], StartsWith("failed  source shop, reading public.message_record: database shop"));
  EXPECT_THAT(answers[1], StartsWith("failed  source shop, lease: database shop"));
  const std::string sink = "failed  sink default at " + servers + ": no connection within 5 s; the last try: ";
  EXPECT_THAT(answers[2], AnyOf(sink + "Connect to ipv4#" + servers + " failed: Connection refused",
                                sink + "not connected yet"));  // five seconds without a try: a very slow machine
}

TEST_F(ConfigCheck, ShowsTheClientsOwnLinesWhenTheLogIsToDebug) {
  const RunResult result = check(no_database(), nowhere(), "[log]\nlevel = \"debug\"\n");
  EXPECT_EQ(lines(result.output).size(), 3U) << result.output;
  EXPECT_THAT(result.error_output, HasSubstr("kafka client"));
}

TEST_F(ConfigCheck, AnswersInOneLineEachWhenAllIsThere) {
  const test_support::PostgresServer postgres;
  postgres.execute("postgres", "CREATE DATABASE shop");
  test_support::migrate(postgres.dsn("shop"));
  const test_support::BrokerProcess broker;
  const RunResult result = check(postgres.dsn("shop"), broker.address());
  EXPECT_EQ(result.exit.code, 0);
  EXPECT_EQ(result.error_output, "");
  EXPECT_EQ(result.output,
            "ok      source shop, reading public.message_record: nothing waits\n"
            "ok      source shop, lease: free\n"
            "ok      sink default at " +
                broker.address() + ": connected\n");
}

}  // namespace
}  // namespace relay
