// Which complaints of PostgreSQL are definite, and what libpq's refusals say.
#include "relay/pg/errors.h"

#include <gmock/gmock.h>

#include "relay/pg/connection.h"
#include "relay/pg/session.h"

namespace relay::pg {
namespace {

using testing::HasSubstr;

TEST(PgErrors, DefiniteOnesEndTheProgramOthersAreRetried) {
  for (const char* definite : {"28P01", "28000", "3D000", "42P01", "42501", "42883", "42703"}) {
    const SqlError error = make_error("shop at h:1 as u", definite, "no");
    EXPECT_FALSE(error.retryable()) << definite;
    EXPECT_EQ(error.exit_code(), common::ExitCode::dependency_refused);
    EXPECT_THAT(error.what(), HasSubstr(definite));
    EXPECT_THAT(error.what(), HasSubstr("; ")) << "the way out";
  }
  for (const char* passing :
       {"", "57P01", "57P03", "53300", "40001", "40P01", "08006", "55P03", "XX000", "57014", "25006"}) {
    EXPECT_TRUE(make_error("shop", passing, "no").retryable()) << passing;
  }
}

TEST(PgErrors, MessagesAreOneLine) { EXPECT_STREQ(make_error("shop", "", "a\n\tb\r\n").what(), "database shop: a b"); }

TEST(PgErrors, RefusedConnectionShowsItsSqlState) {
  const auto failure = parse_connect_failure(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for user "
      "\"u\"\nLOCATION:  auth_failed, auth.c:335\n");
  EXPECT_EQ(failure.sqlstate, "28P01");
  EXPECT_EQ(failure.message, "password authentication failed for user \"u\"");
}

TEST(PgErrors, AnyLanguageWillDo) {
  EXPECT_EQ(parse_connect_failure("connexion au serveur : FATAL:  3D000: la base n'existe pas\n").sqlstate, "3D000");
  EXPECT_EQ(parse_connect_failure("… failed: 致命错误:  53300: 客户端太多\n").sqlstate, "53300");
}

TEST(PgErrors, AnUnreachableServerHasNone) {
  const auto failure = parse_connect_failure(
      "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server running on that host "
      "and "
      "accepting TCP/IP connections?\n");
  EXPECT_EQ(failure.sqlstate, "");
  EXPECT_THAT(failure.message, HasSubstr("Connection refused Is the server"));
  EXPECT_EQ(parse_connect_failure("").sqlstate, "");
  EXPECT_EQ(parse_connect_failure("FATAL: ").sqlstate, "");
  EXPECT_EQ(parse_connect_failure("a: FATAL: b").sqlstate, "");
}

TEST(PgErrors, DsnIsCheckedWithoutShowingIt) {
  EXPECT_NO_THROW(check_dsn("host=h dbname=d"));
  EXPECT_NO_THROW(check_dsn("postgresql://u@h:1/d"));
  try {
    check_dsn("host=h password=hush hush");
    FAIL();
  } catch (const core::DatabaseError& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("hush")));
    EXPECT_EQ(error.exit_code(), common::ExitCode::configuration);
  }
}

TEST(PgErrors, TableNamesAreQuoted) {
  EXPECT_EQ(quoted_table("public.message_record"), "\"public\".\"message_record\"");
  EXPECT_EQ(quoted_table("my schema.a\"b"), "\"my schema\".\"a\"\"b\"");
  for (const char* bad : {"", "a", ".a", "a."}) EXPECT_THROW(quoted_table(bad), core::DatabaseError) << bad;
  EXPECT_EQ(quoted_literal("it's"), "'it''s'");
}

}  // namespace
}  // namespace relay::pg
