// The POST itself, against a server that answers as it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <thread>

#include "common/url.h"
#include "relay/alert/webhook_receiver.h"

using relay::alert::make_http_poster;
using relay::alert::PostResult;
using testing::HasSubstr;

namespace {

struct HttpPosterTest : testing::Test {
  httplib::Server server;
  int port = 0;
  int status = 200;
  std::string seen_target;
  std::string seen_body;
  std::string seen_authorization;
  std::thread thread;

  void SetUp() override {
    server.Post("/hook", [this](const httplib::Request& request, httplib::Response& response) {
      seen_target = request.target;
      seen_body = request.body;
      seen_authorization = request.get_header_value("Authorization");
      response.status = status;
      if (status == 302) response.set_header("Location", "/elsewhere");
    });
    port = server.bind_to_any_port("127.0.0.1");
    thread = std::thread([this] { server.listen_after_bind(); });
  }
  void TearDown() override {
    while (!server.is_running()) std::this_thread::yield();
    server.stop();
    thread.join();
  }
  PostResult post(const std::string& userinfo, std::string& reason) const {
    const auto url =
        common::parse_url("http://" + userinfo + "127.0.0.1:" + std::to_string(port) + "/hook?token=a%20b");
    return make_http_poster(*url)->post("{}", reason);
  }
};

}  // namespace

TEST_F(HttpPosterTest, PostsTheBodyToTheWholeTarget) {
  std::string reason;
  EXPECT_EQ(post("user:pa%3Ass@", reason), PostResult::sent) << reason;
  EXPECT_EQ(seen_target, "/hook?token=a%20b");
  EXPECT_EQ(seen_body, "{}");
  EXPECT_EQ(seen_authorization, "Basic dXNlcjpwYTpzcw==");
}

TEST_F(HttpPosterTest, KnowsWhatIsWorthAnotherTry) {
  const std::pair<int, PostResult> table[] = {
      {204, PostResult::sent},  {302, PostResult::refused}, {400, PostResult::refused}, {404, PostResult::refused},
      {408, PostResult::again}, {429, PostResult::again},   {500, PostResult::again},   {503, PostResult::again}};
  for (const auto& [answer, expected] : table) {
    status = answer;
    std::string reason;
    EXPECT_EQ(post("", reason), expected) << answer << ": " << reason;
    if (expected != PostResult::sent) {
      EXPECT_THAT(reason, HasSubstr(std::to_string(answer)));
    }
  }
}

TEST(HttpPoster, TriesAgainWhenNobodyListens) {
  std::string reason;
  EXPECT_EQ(make_http_poster(*common::parse_url("http://127.0.0.1:1/geheim"))->post("{}", reason), PostResult::again);
  EXPECT_THAT(reason, HasSubstr("no answer"));
  EXPECT_THAT(reason, testing::Not(HasSubstr("geheim")));
}
