// CONTRACTS' table of answers and verdicts.
#include "relay/http/verdict.h"

#include <gtest/gtest.h>

namespace relay::http {
namespace {

using core::Verdict;

Verdict verdict(int status, std::string_view body, bool too_large = false) {
  return judge(status, body, too_large).verdict;
}

TEST(Verdict, TheTwoThatAct) {
  EXPECT_EQ(verdict(200, R"({"status":"committed"})"), Verdict::committed);
  EXPECT_EQ(verdict(409, R"({"status":"rolled_back"})"), Verdict::rolled_back);
  EXPECT_EQ(
      verdict(200, R"( {"order":{"status":"rolled_back"},"a":[{"status":1}], "status" : "committed", "n":null} )"),
      Verdict::committed);
  EXPECT_EQ(verdict(200, R"({"status":"committed"})"), Verdict::committed) << "escaped, the same word";
}

TEST(Verdict, AskAgain) {
  for (const int status : {425, 429, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(verdict(status, ""), Verdict::in_progress) << status;
    EXPECT_EQ(verdict(status, R"({"status":"committed"})"), Verdict::in_progress) << status;
    EXPECT_EQ(verdict(status, "", true), Verdict::in_progress) << status;
  }
}

TEST(Verdict, AnythingElseIsUnknown) {
  for (const int status : {101, 201, 202, 204, 206, 301, 302, 307, 308, 400, 401, 403, 404, 408, 410, 418})
    for (const char* body : {R"({"status":"committed"})", R"({"status":"rolled_back"})", ""})
      EXPECT_EQ(verdict(status, body), Verdict::unknown) << status << body;
  for (const int status : {200, 409})
    for (const char* body : {"",
                             " ",
                             "committed",
                             "\"committed\"",
                             "null",
                             "[]",
                             R"([{"status":"committed"}])",
                             "{}",
                             R"({"Status":"committed"})",
                             R"({"status":"in_progress"})",
                             R"({"status":null})",
                             R"({"status":1})",
                             R"({"status":["committed"]})",
                             R"({"status":{"status":"committed"}})",
                             R"({"status":"Committed"})",
                             R"({"status":"committed "})",
                             R"({"status":"committed","status":"committed"})",
                             R"({"status":"rolled_back","status":"committed"})",
                             R"({"status":"committed"}{"status":"committed"})",
                             R"({"status":"committed"} x)",
                             R"({"status":"committed")",
                             R"({"status":"committed",})",
                             R"({'status':'committed'})",
                             "{\"status\":\"committed\xff\"}",
                             "{\"status\":\"committed\",\"x\":\"\xc3\"}",
                             "<html>committed</html>",
                             R"({"x":{"status":"committed"}})",
                             R"(/* */{"status":"committed"})"})
      EXPECT_EQ(verdict(status, body), Verdict::unknown) << status << body;
}

TEST(Verdict, TheWrongPairIsUnknown) {
  EXPECT_EQ(verdict(200, R"({"status":"rolled_back"})"), Verdict::unknown);
  EXPECT_EQ(verdict(409, R"({"status":"committed"})"), Verdict::unknown);
}

TEST(Verdict, DeepNestingIsNoStackOverflow) {
  EXPECT_EQ(verdict(200, std::string(60'000, '[')), Verdict::unknown);
  EXPECT_EQ(
      verdict(200, R"({"x":)" + std::string(30'000, '[') + std::string(30'000, ']') + R"(,"status":"committed"})"),
      Verdict::committed);
}

TEST(Verdict, DetailsRepeatNothingFromTheBody) {
  for (const char* body : {R"({"status":"canary"})", R"({"canary":1})", "canary"})
    EXPECT_EQ(judge(200, body, false).detail.find("canary"), std::string::npos);
  EXPECT_EQ(judge(200, R"({"status":"rolled_back"})", false).detail,
            "answered 200 with status rolled_back: code and status do not agree");
}

}  // namespace
}  // namespace relay::http
