// The page's server: who gets an answer and who does not, and what every answer carries.
#include "relay/http/page_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

#include "common/error.h"
#include "tests/unit/http/raw_server.h"

namespace relay::http {
namespace {

using namespace std::chrono_literals;

PageReply page(std::string_view path) {
  if (path == "/throw") throw std::runtime_error("canary");
  if (path == "/" || path == "/api/status") return {.body = "hello"};
  return {.status = 404, .body = "no"};
}

std::string ask(const std::string& method, const std::string& target, const std::string& fields) {
  return page_reply(method + " " + target + " HTTP/1.1\r\n" + fields, page);
}

int status_of(const std::string& reply) { return std::stoi(reply.substr(9, 3)); }

TEST(PageReply, AnswersItsOwnHosts) {
  for (const char* host : {"127.0.0.1:8640", "localhost:8640", "localhost", "127.0.0.1", "[::1]:8640", "[::1]",
                           "LOCALHOST:1", "localhost:9000"})
    EXPECT_EQ(status_of(ask("GET", "/", std::string("Host: ") + host)), 200) << host;
}

TEST(PageReply, ForeignHostsAreRefused) {
  for (const char* host : {"evil.example", "evil.example:8640", "localhost.evil.example:8640", "127.0.0.1.evil.example",
                           "", "a b", "192.168.0.1:8640", "localhost:8640, localhost:8640"})
    EXPECT_EQ(status_of(ask("GET", "/", std::string("Host: ") + host)), 421) << host;
  EXPECT_EQ(status_of(ask("GET", "/", "Accept: */*")), 421) << "no Host at all";
  EXPECT_EQ(status_of(ask("GET", "/", "Host: localhost\r\nHost: localhost")), 421) << "two of them";
  EXPECT_EQ(
      status_of(ask("GET", "/", "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nX-Forwarded-For: 127.0.0.1")),
      421);
}

// Every method on every kind of path: only GET is answered, and nothing but what there is.
TEST(PageReply, MatrixOfMethodsAndPaths) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"})
    for (const char* path :
         {"/", "/api/status", "/?x=1", "/nothing", "/../etc/passwd", "/api/", "*", "http://localhost/"}) {
      const std::string reply = ask(method, path, "Host: localhost");
      const bool known =
          std::string_view(path) == "/" || std::string_view(path) == "/api/status" || std::string_view(path) == "/?x=1";
      const int expected = std::string_view(method) != "GET" ? 405 : known ? 200 : 404;
      EXPECT_EQ(status_of(reply), expected) << method << " " << path;
      EXPECT_EQ(reply.find("\r\nAllow: GET\r\n") != std::string::npos, expected == 405);
    }
}

TEST(PageReply, EveryAnswerCarriesTheSecurityFields) {
  for (const auto& reply :
       {ask("GET", "/", "Host: localhost"), ask("GET", "/x", "Host: localhost"), ask("POST", "/", "Host: localhost"),
        ask("GET", "/", "Host: evil"), page_reply("junk", page), ask("GET", "/throw", "Host: localhost")}) {
    for (const char* field :
         {"\r\nContent-Security-Policy: default-src 'none'; ", "\r\nX-Content-Type-Options: nosniff\r\n",
          "\r\nX-Frame-Options: DENY\r\n", "\r\nReferrer-Policy: no-referrer\r\n",
          "\r\nCross-Origin-Resource-Policy: same-origin\r\n", "\r\nCache-Control: no-store\r\n"})
      EXPECT_NE(reply.find(field), std::string::npos) << field << reply;
    EXPECT_EQ(reply.find("unsafe"), std::string::npos);
    EXPECT_EQ(reply.find("Access-Control"), std::string::npos) << "nobody else's page may read this";
  }
}

TEST(PageReply, AnotherSitesScriptGetsNothing) {
  EXPECT_EQ(status_of(ask("GET", "/api/status", "Host: localhost\r\nSec-Fetch-Site: cross-site")), 403);
  EXPECT_EQ(status_of(ask("GET", "/api/status", "Host: localhost\r\nSec-Fetch-Site: same-origin")), 200);
  EXPECT_EQ(status_of(ask("GET", "/", "Host: localhost\r\nSec-Fetch-Site: cross-site")), 200) << "a link may lead here";
}

TEST(PageReply, FailureTellsNothing) {
  const std::string reply = ask("GET", "/throw", "Host: localhost");
  EXPECT_EQ(status_of(reply), 500);
  EXPECT_EQ(reply.find("canary"), std::string::npos);
}

TEST(PageReply, JunkIsRefused) {
  for (const char* head :
       {"", " ", "GET", "GET /", "GET / HTTP/2", "GET  ", "GET / HTTP/1.1\r\nnonsense", "\x16\x03\x01"})
    EXPECT_EQ(status_of(page_reply(head, page)), 400) << head;
}

TEST(PageServer, ListensOnLoopbackOnly) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "example.org"}) {
    try {
      const PageServer server({host, 0}, page);
      FAIL() << host;
    } catch (const common::Error& error) {
      EXPECT_EQ(error.exit_code(), common::ExitCode::configuration);
      EXPECT_NE(std::string(error.what()).find("[web] listen"), std::string::npos) << error.what();
    }
  }
}

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void send(const std::string& bytes) const { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  [[nodiscard]] std::string read_all() const {
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_ = false;
};

TEST(PageServer, SlowClientsStarveNobody) {
  const PageServer server({"127.0.0.1", 0}, page, {.connections_max = 8, .connection_time_max = 600s});
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<Client>(server.address().port));
    ASSERT_TRUE(slow.back()->connected());
    slow.back()->send("GET / HT");
  }
  const Client quick(server.address().port);
  quick.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(quick.read_all()), 200);
}

TEST(PageServer, SlowClientIsTurnedOutInTime) {
  const PageServer server({"127.0.0.1", 0}, page, {.connection_time_max = 50ms});
  const Client slow(server.address().port);
  slow.send("GET / HT");
  EXPECT_EQ(slow.read_all(), "");
}

TEST(PageServer, HeaderHasALimit) {
  const PageServer server({"127.0.0.1", 0}, page);
  const Client client(server.address().port);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x'));
  const std::string reply = client.read_all();
  EXPECT_TRUE(reply.empty() || status_of(reply) == 431);  // empty: the reset overtook the answer
}

}  // namespace
}  // namespace relay::http
