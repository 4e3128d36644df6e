// Unclear rows: published or cancelled only on an exact answer, parked when there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/e2e/world.h"
#include "tests/support/wait_until.h"

namespace e2e {
namespace {

using test_support::FakeAnswer;
using testing::HasSubstr;

std::int64_t prepare(const World& world, const std::string& key, const std::string& url) {
  return std::stoll(world.sql("SELECT outbox_prepare('t', '" + key + "', 'unclear', NULL, 'log-1', '" + url + "')"));
}

TEST(CheckBack, ACommittedRowIsPublishedBeforeTheRowsBehindIt) {
  World world;
  world.owner.answer({.status = 425});
  const auto id = prepare(world, "k", world.owner.url("/check"));
  const auto behind = world.insert("t", "k", "behind");
  ASSERT_TRUE(test_support::wait_until([&] { return world.owner.request_count() >= 2; }));
  EXPECT_EQ(world.column(behind, "status"), "0");
  world.owner.answer({.status = 200, .body = R"({"status":"committed"})"});
  ASSERT_TRUE(world.becomes(id, 1));
  ASSERT_TRUE(world.becomes(behind, 1));
  EXPECT_THAT(world.log("t"), testing::ElementsAre("k=unclear", "k=behind"));
  const auto request = world.owner.requests().front();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.parameters.at("msg_log_id"), "log-1");
  EXPECT_TRUE(request.headers.contains("outbox-message-id"));
  EXPECT_TRUE(request.headers.contains("outbox-age-seconds"));
  EXPECT_TRUE(request.headers.contains("outbox-check-number"));
}

TEST(CheckBack, ARolledBackRowIsCancelledAndNeverPublished) {
  World world;
  world.owner.answer({.status = 409, .body = R"({"status":"rolled_back"})"});
  const auto id = prepare(world, "k", world.owner.url("/check"));
  const auto behind = world.insert("t", "k", "behind");
  ASSERT_TRUE(world.becomes(id, 3));
  ASSERT_TRUE(world.becomes(behind, 1));
  EXPECT_THAT(world.log("t"), testing::ElementsAre("k=behind"));
}

struct Confusion {
  const char* name;
  FakeAnswer answer;
};
class Confused : public testing::TestWithParam<Confusion> {};

TEST_P(Confused, ParksTheRowAfterTheLimitAndDecidesNothing) {
  World world;
  world.owner.answer(GetParam().answer);
  const auto id = prepare(world, "k", world.owner.url("/check"));
  ASSERT_TRUE(world.becomes(id, 2)) << world.column(id, "fail_msg") << "\n" << world.relay.log();
  EXPECT_THAT(world.column(id, "fail_msg"), HasSubstr("check-back unresolved"));
  EXPECT_EQ(world.column(id, "unknown_checks"), "3");
  EXPECT_EQ(world.column(id, "attempts"), "0");
}

INSTANTIATE_TEST_SUITE_P(
    Answers, Confused,
    testing::Values(Confusion{"not_found", {.status = 404, .body = R"({"status":"rolled_back"})"}},
                    Confusion{"wrong_pairing", {.status = 200, .body = R"({"status":"rolled_back"})"}},
                    Confusion{"other_wrong_pairing", {.status = 409, .body = R"({"status":"committed"})"}},
                    Confusion{"error_page", {.status = 200, .body = "<html>FAILURE committed</html>"}},
                    Confusion{"empty", {.status = 200, .body = ""}},
                    Confusion{"redirect", {.status = 302, .headers = {{"Location", "/elsewhere"}}}},
                    Confusion{"a_mebibyte", {.status = 200, .body = std::string(1 << 20, 'x')}}),
    [](const auto& confusion) { return std::string(confusion.param.name); });

TEST(CheckBack, SilenceAndHalfAnswersSpendNoLimit) {
  World world;
  world.owner.answer_in_turn(
      {{.fault = FakeAnswer::Fault::silence},
       {.status = 200, .body = R"({"status":"committed"})", .fault = FakeAnswer::Fault::cut_body},
       {.status = 503},
       {.status = 429},
       {.status = 425, .body = R"({"status":"in_progress"})"},
       {.status = 200, .body = R"({"status":"committed"})"}});
  const auto id = prepare(world, "k", world.owner.url("/check"));
  ASSERT_TRUE(world.becomes(id, 1)) << world.relay.log();
  EXPECT_EQ(world.column(id, "unknown_checks"), "0");
  EXPECT_EQ(world.column(id, "checks"), "6");
  world.owner.release();
}

TEST(CheckBack, AnUrlThatIsNotAllowedIsNeverAsked) {
  World world({.source = "check_back_allow = [\"http://127.0.0.1:1\"]"});
  world.owner.answer({.status = 200, .body = R"({"status":"committed"})"});
  const auto id = prepare(world, "k", world.owner.url("/check"));
  ASSERT_TRUE(test_support::wait_until([&] { return !world.column(id, "fail_msg").empty(); }));
  EXPECT_THAT(world.column(id, "fail_msg"), HasSubstr("check_back_allow"));
  EXPECT_EQ(world.column(id, "status"), "0");
  EXPECT_EQ(world.column(id, "checks"), "0");
  EXPECT_EQ(world.owner.request_count(), 0U);
  world.sql("SELECT outbox_confirm(" + std::to_string(id) + ")");
  ASSERT_TRUE(world.becomes(id, 1));
}

TEST(CheckBack, AnOwnerThatConfirmsOrCancelsIsNotAsked) {
  World world({.more = ""});
  world.owner.answer({.status = 425});
  const auto confirmed = prepare(world, "a", world.owner.url("/check"));
  const auto cancelled = prepare(world, "b", world.owner.url("/check"));
  world.sql("SELECT outbox_confirm(" + std::to_string(confirmed) + ")");
  world.sql("SELECT outbox_cancel(" + std::to_string(cancelled) + ")");
  ASSERT_TRUE(world.becomes(confirmed, 1));
  EXPECT_EQ(world.column(cancelled, "status"), "3");
  EXPECT_THAT(world.log("t"), testing::ElementsAre("a=unclear"));
}

}  // namespace
}  // namespace e2e
