// HOST:PORT and what counts as loopback.
#include "common/host_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using common::HostPort;
using testing::HasSubstr;

TEST(HostPort, ReadsAndWritesTheSame) {
  const std::pair<const char*, HostPort> table[] = {{"127.0.0.1:8642", {"127.0.0.1", 8642}},
                                                    {"[::1]:9092", {"::1", 9092}},
                                                    {"broker.example-1:0", {"broker.example-1", 0}},
                                                    {"0.0.0.0:65535", {"0.0.0.0", 65535}},
                                                    {"[fe80::1%eth0]:1", {"fe80::1%eth0", 1}}};
  for (const auto& [text, expected] : table) {
    const auto parsed = common::parse_host_port(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.problem;
    EXPECT_EQ(*parsed, expected) << text;
    EXPECT_EQ(parsed->text(), text);
  }
}

TEST(HostPort, RefusesWithTheWayOut) {
  const std::pair<const char*, const char*> table[] = {{"", "port is missing"},
                                                       {"localhost", "port is missing"},
                                                       {":8642", "host is missing"},
                                                       {"::1:80", "needs brackets"},
                                                       {"[::1]", "port is missing"},
                                                       {"[::1:80", "bracket is not closed"},
                                                       {"a:", "no number from 0 to 65535"},
                                                       {"a:65536", "no number from 0 to 65535"},
                                                       {"a:-1", "no number from 0 to 65535"},
                                                       {"a:80x", "no number from 0 to 65535"},
                                                       {"http://a:80", "needs brackets"},
                                                       {"a b:80", "a character that no host has"},
                                                       {"a/b:80", "a character that no host has"}};
  for (const auto& [text, part] : table) {
    const auto parsed = common::parse_host_port(text);
    EXPECT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.problem, HasSubstr(part)) << text;
    EXPECT_THAT(parsed.problem, HasSubstr("write HOST:PORT")) << text;
  }
}

TEST(HostPort, KnowsLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(common::is_loopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example", "127.0.0.1.example", "",
                           "127.1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(common::is_loopback(host)) << host;
  }
}
