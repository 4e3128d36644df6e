// URLs in their parts.
#include "common/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::HasSubstr;
using testing::Not;

TEST(Url, TakesApart) {
  const auto url = common::parse_url("HTTP://user:pa%20ss@Alerts.Example:8080/hook/a?token=x&b=c#part");
  ASSERT_TRUE(url) << url.problem;
  EXPECT_EQ(url->scheme, "http");
  EXPECT_EQ(url->userinfo, "user:pa%20ss");
  EXPECT_EQ(url->host, "alerts.example");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/hook/a?token=x&b=c");
  EXPECT_EQ(url->origin(), "http://alerts.example:8080");
}

TEST(Url, FillsInWhatIsNotWritten) {
  const std::tuple<const char*, int, const char*, const char*> table[] = {
      {"http://a", 80, "/", "http://a:80"},
      {"https://a", 443, "/", "https://a:443"},
      {"http://a?q", 80, "/?q", "http://a:80"},
      {"http://[::1]/x", 80, "/x", "http://[::1]:80"},
      {"http://[::1]:81", 81, "/", "http://[::1]:81"},
      {"http://a@b@c/", 80, "/", "http://c:80"}};
  for (const auto& [text, port, target, origin] : table) {
    const auto url = common::parse_url(text);
    ASSERT_TRUE(url) << text << ": " << url.problem;
    EXPECT_EQ(url->port, port) << text;
    EXPECT_EQ(url->target, target) << text;
    EXPECT_EQ(url->origin(), origin) << text;
  }
}

TEST(Url, RefusesWithoutRepeatingIt) {
  for (const char* text :
       {"", "a", "ftp://geheim", "http://", "http://:80", "http://geheim:0/", "http://geheim:x", "http://a b/geheim",
        "http://geheim\n", "http://gehe\xC3\xA4im/", "://geheim", "http:/geheim", "http://u:p@/"}) {
    const auto url = common::parse_url(text);
    EXPECT_FALSE(url) << text;
    EXPECT_THAT(url.problem, Not(HasSubstr("gehe"))) << text;
  }
  EXPECT_FALSE(common::parse_url("http://a/" + std::string(9'000, 'x')));
}
