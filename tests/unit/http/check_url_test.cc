// Which URLs are asked, and as what.
#include "relay/http/check_url.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace relay::http {
namespace {

TEST(CheckUrl, IdBecomesAQueryParameter) {
  const auto url = parse_check_url("http://Orders.Internal:8081/check", "o 1&x=2/ä");
  ASSERT_TRUE(url) << url.problem;
  EXPECT_EQ(url->host, "orders.internal");
  EXPECT_EQ(url->port, 8081);
  EXPECT_EQ(url->target, "/check?msg_log_id=o%201%26x%3D2%2F%C3%A4");
  EXPECT_EQ(url->origin(), "http://orders.internal:8081");
  EXPECT_EQ(url->host_header(), "orders.internal:8081");
}

TEST(CheckUrl, IdJoinsAnExistingQuery) {
  EXPECT_EQ(parse_check_url("http://a/x?y=1", "i")->target, "/x?y=1&msg_log_id=i");
  EXPECT_EQ(parse_check_url("http://a?y=1", "i")->target, "/?y=1&msg_log_id=i");
  EXPECT_EQ(parse_check_url("http://a", "i")->target, "/?msg_log_id=i");
}

TEST(CheckUrl, IdTakesThePlaceholdersPlace) {
  EXPECT_EQ(parse_check_url("http://a/o/{msg_log_id}/state", "1/2")->target, "/o/1%2F2/state");
  EXPECT_EQ(parse_check_url("http://a/o?id={msg_log_id}&again={msg_log_id}", "7")->target, "/o?id=7&again=7");
  // What the id looks like is never read again.
  EXPECT_EQ(parse_check_url("http://a/{msg_log_id}", "{msg_log_id}")->target, "/%7Bmsg_log_id%7D");
}

TEST(CheckUrl, Ports) {
  EXPECT_EQ(parse_check_url("http://a/", "i")->port, 80);
  EXPECT_EQ(parse_check_url("https://a/", "i")->port, 443);
  EXPECT_EQ(parse_check_url("http://a/", "i")->host_header(), "a");
  const auto v6 = parse_check_url("http://[::1]:90/", "i");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->host_header(), "[::1]:90");
}

TEST(CheckUrl, RefusesWhatIsDoubtful) {
  for (const char* bad : {"",
                          "orders",
                          "//a/",
                          "ftp://a/",
                          "file:///etc/passwd",
                          "http:/a",
                          "http://",
                          "http:///x",
                          "http://a:0/",
                          "http://a:65536/",
                          "http://a:/",
                          "http://a:8x/",
                          "http://user@a/",
                          "http://user:pw@a/",
                          "http://a/x#y",
                          "http://a/ x",
                          "http://a/x\r\nHost: b",
                          "http://a/\t",
                          "http://a\\b/",
                          "http://a/\\b",
                          "http://ä/",
                          "http://a/ä",
                          "http://a/%",
                          "http://a/%2",
                          "http://a/%zz",
                          "http://[::1/",
                          "http://[a]/",
                          "http://a b/",
                          "http://a/{other}",
                          "http://a%2e/",
                          "http://{msg_log_id}/",
                          "http://[::1]x/"})
    EXPECT_FALSE(parse_check_url(bad, "i")) << bad;
  EXPECT_FALSE(parse_check_url("http://a/{msg_log_id}", "..")) << "another path";
  EXPECT_FALSE(parse_check_url("http://a/{msg_log_id}/x", "")) << "another path";
  EXPECT_FALSE(parse_check_url("http://a/" + std::string(5000, 'x'), "i"));
}

TEST(CheckUrl, ProblemsNeverRepeatTheUrl) {
  for (const char* bad : {"http://user:canary@a/", "http://a/?token=canary#x", "canary", "http://a:canary/"}) {
    const auto url = parse_check_url(bad, "i");
    EXPECT_FALSE(url);
    EXPECT_EQ(url.problem.find("canary"), std::string::npos) << url.problem;
  }
}

bool is_allowed(const std::vector<std::string>& entries, const char* url) {
  return AllowList(entries).allows(*parse_check_url(url, "i"));
}

TEST(AllowList, SchemeHostAndPortMustAllAgree) {
  const std::vector<std::string> entries = {"http://127.0.0.1:*", "http://orders.internal:8081", "https://secure"};
  for (const char* good : {"http://127.0.0.1/", "http://127.0.0.1:9/x", "http://ORDERS.internal:8081/",
                           "https://secure/", "https://secure:443/"})
    EXPECT_TRUE(is_allowed(entries, good)) << good;
  for (const char* bad :
       {"https://127.0.0.1/", "http://127.0.0.2/", "http://orders.internal/", "http://orders.internal:80/",
        "http://orders.internal.evil:8081/", "http://secure/", "https://secure:444/", "http://localhost/",
        "http://2130706433/", "http://127.1/", "http://0x7f.0.0.1/", "http://[::ffff:127.0.0.1]/"})
    EXPECT_FALSE(is_allowed(entries, bad)) << bad;
  EXPECT_FALSE(is_allowed({}, "http://127.0.0.1/"));
}

TEST(AllowList, EntriesThatAreNoneAreRefusedByName) {
  for (const char* bad : {"127.0.0.1", "http://", "http://*:80", "http://a/path", "http://a:x", "http://u@a", "*"}) {
    try {
      const AllowList list({bad});
      FAIL() << bad;
    } catch (const common::Error& error) {
      EXPECT_NE(std::string(error.what()).find(bad), std::string::npos);
      EXPECT_EQ(error.exit_code(), common::ExitCode::configuration);
    }
  }
}

}  // namespace
}  // namespace relay::http
