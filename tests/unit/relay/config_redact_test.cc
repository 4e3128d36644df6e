// What of a secret may be shown.
#include "relay/config_redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::HasSubstr;
using testing::Not;

TEST(ConfigRedact, KeepsADsnButItsSecrets) {
  const std::pair<const char*, const char*> table[] = {
      {"host=a dbname=shop", "host=a dbname=shop"},
      {"host=a password=geheim dbname=shop", "host=a password=(redacted) dbname=shop"},
      {"password='ge heim' host=a", "password=(redacted) host=a"},
      {R"(password='ge\' heim' host=a)", "password=(redacted) host=a"},
      {"password = geheim host = a", "password=(redacted) host=a"},
      {"sslpassword=geheim", "sslpassword=(redacted)"},
      {"postgresql://relay@a:5432/shop?sslmode=require", "postgresql://relay@a:5432/shop?sslmode=require"},
      {"postgresql://relay:geheim@a/shop", "postgresql://relay:(redacted)@a/shop"},
      {"postgres://relay:ge@heim@a/shop", "postgres://relay:(redacted)@a/shop"},
      {"postgresql://a/shop?password=geheim&x=1", "postgresql://a/shop?password=(redacted)&x=1"},
      {"postgresql://a/shop?pass%77ord=geheim", "postgresql://a/shop?pass%77ord=(redacted)"},
      {"", ""}};
  for (const auto& [dsn, expected] : table) EXPECT_EQ(relay::redact_dsn(dsn), expected) << dsn;
}

TEST(ConfigRedact, HidesEverythingInDoubt) {
  for (const char* dsn : {"geheim", "host=a password='geheim", "host=a geheim password=x", "password=a geheim",
                          "postgresql://relay:gehe?im@a/shop", "password=a geheim host=b"}) {
    EXPECT_THAT(relay::redact_dsn(dsn), Not(HasSubstr("gehe"))) << dsn;
  }
}

TEST(ConfigRedact, KeepsOfAUrlWhereItGoes) {
  EXPECT_EQ(relay::redact_url("https://u:geheim@hooks.example/services/geheim?t=geheim"),
            "https://hooks.example:443/(redacted)");
  EXPECT_EQ(relay::redact_url("geheim"), "(redacted)");
  EXPECT_EQ(relay::redact_url(""), "");
}

TEST(ConfigRedact, KnowsSecretProperties) {
  for (const char* name : {"sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret",
                           "sasl.oauthbearer.config", "ssl.keystore.password"}) {
    EXPECT_TRUE(relay::is_secret_property(name)) << name;
  }
  for (const char* name : {"security.protocol", "sasl.username", "compression.type", "ssl.ca.location"}) {
    EXPECT_FALSE(relay::is_secret_property(name)) << name;
  }
}
