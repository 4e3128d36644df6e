// The health address over real sockets: its pages, its limits.
#include "common/admin_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <vector>

#include "common/error.h"
#include "common/unique_fd.h"
#include "tests/unit/common/fake_clock.h"

using common::AdminLimits;
using common::AdminServer;
using common::UniqueFd;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

UniqueFd connect_to(const AdminServer& server) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.address().port);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  timeval patience{60, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// Everything until the server closes.
std::string rest_of(const UniqueFd& fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::string ask(const AdminServer& server, const std::string& request) {
  const UniqueFd fd = connect_to(server);
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  return rest_of(fd);
}

std::string get(const AdminServer& server, const std::string& path) {
  return ask(server, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

struct AdminServerTest : testing::Test {
  FakeClock clock;
  common::Liveness liveness{clock};
  common::Metrics metrics;
  std::string not_ready;

  AdminServer server(AdminLimits limits = {}) {
    return {
        {"127.0.0.1", 0}, liveness, metrics, {[] { return R"({"a":1})"; }, [this] { return not_ready; }, {}}, limits};
  }
};

}  // namespace

TEST_F(AdminServerTest, ServesItsPages) {
  metrics.counter("a_total", "").add();
  const AdminServer server = this->server();
  EXPECT_NE(server.address().port, 0);
  EXPECT_THAT(get(server, "/livez"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nok\n")));
  EXPECT_THAT(get(server, "/readyz?verbose"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(server, "/statusz"), AllOf(HasSubstr("application/json"), HasSubstr("{\"a\":1}")));
  EXPECT_THAT(get(server, "/metrics"), AllOf(HasSubstr("version=0.0.4"), HasSubstr("a_total 1\n")));
  EXPECT_THAT(get(server, "/nope"), StartsWith("HTTP/1.1 404"));
}

TEST_F(AdminServerTest, SaysWhoIsLateAndWhyItIsNotReady) {
  const AdminServer server = this->server();
  const auto loop = liveness.add("poll shop", std::chrono::seconds(1));
  clock.advance(std::chrono::seconds(3));
  EXPECT_THAT(get(server, "/livez"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("poll shop: no turn for 3s")));
  not_ready = "schema not verified yet";
  EXPECT_THAT(get(server, "/readyz"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("schema not verified yet\n")));
}

TEST_F(AdminServerTest, RefusesWhatIsNoPlainRead) {
  const AdminServer server = this->server();
  EXPECT_THAT(ask(server, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD")));
  EXPECT_THAT(ask(server, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask(server, "GET /livez\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  const std::string head = ask(server, "HEAD /livez HTTP/1.1\r\n\r\n");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 3"), Not(HasSubstr("ok\n"))));
}

TEST_F(AdminServerTest, RefusesAHeaderBeyondTheLimit) {
  const AdminServer server = this->server({.request_bytes_max = 100});
  EXPECT_THAT(ask(server, "GET /livez HTTP/1.1\r\nX: " + std::string(101 - 24, 'x')), StartsWith("HTTP/1.1 431"))
      << "an unfinished header of 101 bytes";
}

TEST_F(AdminServerTest, ClosesWhoNeverEndsItsRequest) {
  const AdminServer server = this->server({.connection_time_max = std::chrono::milliseconds(50)});
  EXPECT_EQ(ask(server, "GET /livez HT"), "");
}

TEST_F(AdminServerTest, AnswersAlthoughManySitOnTheirConnections) {
  const AdminServer server = this->server({.connections_max = 4, .connection_time_max = std::chrono::hours(1)});
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(connect_to(server));
  EXPECT_THAT(get(server, "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, SurvivesAPageThatThrows) {
  const AdminServer server({"127.0.0.1", 0}, liveness, metrics,
                           {[]() -> std::string { throw std::runtime_error("x"); }, {}, {}});
  EXPECT_THAT(get(server, "/statusz"), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(get(server, "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, SaysWhichAddressIsTaken) {
  const AdminServer server = this->server();
  try {
    const AdminServer second(server.address(), liveness, metrics, {});
    FAIL() << "two on one port";
  } catch (const common::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot listen on " + server.address().text()));
    EXPECT_THAT(error.what(), HasSubstr("[admin] listen"));
  }
}
