// The check-back client against a real local server: every kind of answer, and what it must cost.
#include "relay/http/check_back_client.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/unit/http/raw_server.h"

namespace relay::http {
namespace {

using namespace std::chrono_literals;
using core::CheckBackAnswer;
using core::Verdict;
using testing::answer_text;
using testing::eventually;
using testing::RawServer;

core::Row unclear_row(std::int64_t id, std::optional<std::string> url) {
  core::Row row;
  row.id = core::RowId(id);
  row.topic = "orders";
  row.confirmed = false;
  row.msg_log_id = "log " + std::to_string(id);
  row.msg_log_url = std::move(url);
  row.checks = 2;
  row.created_at = 1'700'000'000'000'001us;
  row.age = 90'500ms;
  return row;
}

class Answers {
 public:
  void listen(CheckBackClient& client) {
    client.on_answer([this](CheckBackAnswer answer) {
      const std::scoped_lock lock(mutex_);
      answers_.push_back(std::move(answer));
    });
  }
  std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return answers_.size();
  }
  std::vector<CheckBackAnswer> all() const {
    const std::scoped_lock lock(mutex_);
    return answers_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<CheckBackAnswer> answers_;
};

CheckBackAnswer ask_one(const std::string& url, std::chrono::milliseconds timeout = 20s) {
  CheckBackConfig config;
  config.source = "shop";
  config.timeout = timeout;
  CheckBackClient client(config);
  Answers answers;
  answers.listen(client);
  EXPECT_TRUE(client.ask(unclear_row(7, url)));
  EXPECT_TRUE(eventually([&] { return answers.count() == 1; }));
  if (answers.count() == 0) return {};
  EXPECT_EQ(answers.all()[0].id, core::RowId(7));
  return answers.all()[0];
}

CheckBackAnswer ask_about(const RawServer::Script& script, std::chrono::milliseconds timeout = 20s) {
  RawServer server(script);
  return ask_one(server.origin() + "/check?token=canary", timeout);
}

CheckBackAnswer ask_about(const std::string& bytes) {
  return ask_about([&](const std::string& /*request*/, const RawServer::Guest& guest) { guest.send(bytes); });
}

TEST(CheckBackClient, RequestIsTheContracts) {
  RawServer server([](const std::string& /*request*/, const RawServer::Guest& guest) {
    guest.send(answer_text(200, R"({"status":"committed"})"));
  });
  EXPECT_EQ(ask_one(server.origin() + "/check?a=b").verdict, Verdict::committed);
  ASSERT_EQ(server.requests().size(), 1U);
  const std::string request = server.requests()[0];
  EXPECT_TRUE(request.starts_with("GET /check?a=b&msg_log_id=log%207 HTTP/1.1\r\n")) << request;
  for (const char* line : {"\r\nOutbox-Message-Id: shop/7-1700000000000001\r\n", "\r\nOutbox-Age-Seconds: 90\r\n",
                           "\r\nOutbox-Check-Number: 3\r\n", "\r\nConnection: close\r\n"})
    EXPECT_NE(request.find(line), std::string::npos) << line << request;
  EXPECT_NE(request.find("\r\nHost: " + server.origin().substr(7) + "\r\n"), std::string::npos) << request;
}

TEST(CheckBackClient, CompleteAnswers) {
  EXPECT_EQ(ask_about(answer_text(200, R"({"status":"committed"})")).verdict, Verdict::committed);
  EXPECT_EQ(ask_about(answer_text(409, R"({"status":"rolled_back"})")).verdict, Verdict::rolled_back);
  EXPECT_EQ(ask_about(answer_text(425, "")).verdict, Verdict::in_progress);
  EXPECT_EQ(ask_about(answer_text(429, "slow down")).verdict, Verdict::in_progress);
  EXPECT_EQ(ask_about(answer_text(503, "<html>")).verdict, Verdict::in_progress);
  EXPECT_EQ(ask_about(answer_text(404, R"({"status":"rolled_back"})")).verdict, Verdict::unknown);
  EXPECT_EQ(ask_about(answer_text(200, R"({"status":"rolled_back"})")).verdict, Verdict::unknown);
  EXPECT_EQ(ask_about(answer_text(200, R"({"status":"committed","status":"committed"})")).verdict, Verdict::unknown);
  EXPECT_EQ(ask_about(answer_text(200, "{\"status\":\"committed\",\"x\":\"\xff\"}")).verdict, Verdict::unknown);
  EXPECT_EQ(ask_about(answer_text(200, std::string(1 << 20, 'x'))).verdict, Verdict::unknown);
  EXPECT_EQ(ask_about("this is no HTTP at all\r\n").verdict, Verdict::unknown);
}

TEST(CheckBackClient, RedirectIsNotFollowed) {
  RawServer target([](const std::string& /*request*/, const RawServer::Guest& guest) {
    guest.send(answer_text(200, R"({"status":"committed"})"));
  });
  EXPECT_EQ(ask_about(answer_text(302, "", "Location: " + target.origin() + "/\r\n")).verdict, Verdict::unknown);
  EXPECT_EQ(target.requests().size(), 0U);
}

TEST(CheckBackClient, HalfAnswersAreAskedAgain) {
  const std::string whole = answer_text(200, R"({"status":"committed"})");
  for (std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{20}, whole.size() - 1}) {
    const auto answer = ask_about(whole.substr(0, size));
    EXPECT_EQ(answer.verdict, Verdict::in_progress) << size;
    EXPECT_NE(answer.detail.find("closed before"), std::string::npos) << answer.detail;
  }
}

TEST(CheckBackClient, ResetIsAskedAgain) {
  const auto answer = ask_about([](const std::string& /*request*/, const RawServer::Guest& guest) { guest.reset(); });
  EXPECT_EQ(answer.verdict, Verdict::in_progress);
  EXPECT_NE(answer.detail.find("connection reset"), std::string::npos) << answer.detail;
}

TEST(CheckBackClient, NobodyThereIsAskedAgain) {
  std::string origin;
  {
    RawServer gone([](const std::string& /*request*/, const RawServer::Guest& /*guest*/) {});
    origin = gone.origin();
  }
  const auto answer = ask_one(origin + "/");
  EXPECT_EQ(answer.verdict, Verdict::in_progress);
  EXPECT_NE(answer.detail.find("connection refused"), std::string::npos) << answer.detail;
}

TEST(CheckBackClient, SilenceEndsAtTheDeadline) {
  const auto answer =
      ask_about([](const std::string& /*request*/, const RawServer::Guest& guest) { guest.wait_for_peer(); }, 200ms);
  EXPECT_EQ(answer.verdict, Verdict::in_progress);
  EXPECT_NE(answer.detail.find("time-out"), std::string::npos) << answer.detail;
}

TEST(CheckBackClient, SlowLorisEndsAtTheDeadline) {
  const auto answer = ask_about(
      [](const std::string& /*request*/, const RawServer::Guest& guest) {
        guest.send("HTTP/1.1 200 OK\r\nX: ");
        while (!guest.stopping() && guest.send("x")) std::this_thread::sleep_for(10ms);
      },
      300ms);
  EXPECT_EQ(answer.verdict, Verdict::in_progress);
}

TEST(CheckBackClient, EndlessChunksEndAtTheBodysLimit) {
  const auto answer = ask_about([](const std::string& /*request*/, const RawServer::Guest& guest) {
    guest.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!guest.stopping() && guest.send("400\r\n" + std::string(1024, ' ') + "\r\n")) continue;
  });
  EXPECT_EQ(answer.verdict, Verdict::unknown);
  EXPECT_NE(answer.detail.find("more than 64 KiB"), std::string::npos) << answer.detail;
}

TEST(CheckBackClient, WhatMayNotBeAskedIsNotAsked) {
  for (const char* url : {"http://10.0.0.1/check?token=canary", "http://localhost.evil:80/", "https://127.0.0.1:1/",
                          "http://user:canary@127.0.0.1/", "nonsense", "http://127.0.0.1:80/#canary"}) {
    const auto answer = ask_one(url);
    EXPECT_EQ(answer.verdict, Verdict::not_allowed) << url;
    EXPECT_EQ(answer.detail.find("canary"), std::string::npos) << answer.detail;
    EXPECT_NE(answer.detail, "");
  }
  EXPECT_NE(ask_one("http://10.0.0.1/").detail.find("check_back_allow"), std::string::npos);
  CheckBackClient client(CheckBackConfig{.source = "shop", .allow = {"https://127.0.0.1:*"}});
  Answers answers;
  answers.listen(client);
  client.ask(unclear_row(1, std::nullopt));
  client.ask(unclear_row(2, "https://127.0.0.1:1/"));
  core::Row row = unclear_row(3, "https://127.0.0.1:1/");
  row.msg_log_id.reset();
  client.ask(row);
  ASSERT_TRUE(eventually([&] { return answers.count() == 3; }));
  for (const auto& answer : answers.all()) EXPECT_EQ(answer.verdict, Verdict::not_allowed) << answer.detail;
}

TEST(CheckBackClient, DetailsNeverHoldTheQuery) {
  for (const auto& bytes : {answer_text(404, ""), answer_text(200, "x"), std::string("HTTP/1.1"), std::string("junk")})
    EXPECT_EQ(ask_about(bytes).detail.find("canary"), std::string::npos);
}

TEST(CheckBackClient, NoMoreCallsThanAllowed) {
  std::atomic<bool> open = false;
  RawServer server([&](const std::string& /*request*/, const RawServer::Guest& guest) {
    while (!open && !guest.stopping()) std::this_thread::sleep_for(2ms);
    guest.send(answer_text(200, R"({"status":"committed"})"));
  });
  CheckBackConfig config;
  config.source = "shop";
  config.timeout = 30s;
  config.in_flight = 3;
  CheckBackClient client(config);
  Answers answers;
  answers.listen(client);
  for (int id = 1; id <= 3; ++id) EXPECT_TRUE(client.ask(unclear_row(id, server.origin())));
  EXPECT_FALSE(client.ask(unclear_row(4, server.origin())));
  ASSERT_TRUE(eventually([&] { return server.requests().size() == 3; }));
  open = true;
  ASSERT_TRUE(eventually([&] { return answers.count() == 3; }));
  EXPECT_TRUE(client.ask(unclear_row(4, server.origin())));
  ASSERT_TRUE(eventually([&] { return answers.count() == 4; }));
}

TEST(CheckBackClient, EndsAtOnceWithCallsUnderWay) {
  RawServer server([](const std::string& /*request*/, const RawServer::Guest& guest) { guest.wait_for_peer(); });
  CheckBackConfig config;
  config.source = "shop";
  config.timeout = 600s;  // far beyond the test's own time-out
  Answers answers;
  {
    CheckBackClient client(config);
    answers.listen(client);
    for (int id = 1; id <= 8; ++id) EXPECT_TRUE(client.ask(unclear_row(id, server.origin())));
    ASSERT_TRUE(eventually([&] { return server.requests().size() == 8; }));
  }
  EXPECT_EQ(answers.count(), 0U);
}

}  // namespace
}  // namespace relay::http
