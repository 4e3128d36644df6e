// TcpProxy: each of the outages it can play, seen from a client over plain sockets.
#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/net.h"
#include "tests/support/wait_until.h"

namespace test_support {
namespace {

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Sends back what it gets, one thread per connection.
class EchoServer {
 public:
  EchoServer() : port_(free_port()), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = loopback_address(port_);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~EchoServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& session : sessions_) session.join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void accept_all() {
    while (true) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      sessions_.emplace_back([client] { echo(client); });
    }
  }
  static void echo(int client) {
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(client, buffer, sizeof buffer, 0)) > 0) {
      if (::send(client, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) break;
    }
    ::close(client);
  }

  std::uint16_t port_;
  int listener_;
  std::thread acceptor_;
  std::vector<std::thread> sessions_;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = loopback_address(port);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& text) const { ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  void finish_sending() const { ::shutdown(socket_, SHUT_WR); }
  // What is there now, without waiting; nothing at an error, whose number is then in last_error().
  std::string receive_now() {
    char buffer[4096];
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    error_ = count < 0 ? errno : 0;
    ended_ = count == 0;
    return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : std::string();
  }
  bool receives(const std::string& expected) {
    std::string got;
    return wait_until([&] {
      got += receive_now();
      return got == expected;
    });
  }
  bool is_reset() {
    return wait_until([&] {
      receive_now();
      return error_ == ECONNRESET;
    });
  }
  bool sees_end() {
    return wait_until([&] {
      receive_now();
      return ended_;
    });
  }

 private:
  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  int error_ = 0;
};

class TcpProxyTest : public testing::Test {
 protected:
  EchoServer echo_;
  TcpProxy proxy_{echo_.port()};
};

TEST_F(TcpProxyTest, PassesBytesAndTheEndOfTheStream) {
  Client client(proxy_.port());
  client.send("hello");
  EXPECT_TRUE(client.receives("hello"));
  EXPECT_EQ(proxy_.connections(), 1U);
  EXPECT_EQ(proxy_.bytes_passed(TcpProxy::Direction::to_target), 5U);
  client.finish_sending();
  EXPECT_TRUE(client.sees_end());
  EXPECT_TRUE(wait_until([&] { return proxy_.connections() == 0; }));
}

TEST_F(TcpProxyTest, HoldsEverythingBackInABlackholeUntilResumed) {
  Client client(proxy_.port());
  client.send("a");
  ASSERT_TRUE(client.receives("a"));
  proxy_.blackhole();
  client.send("b");
  Client later(proxy_.port());
  EXPECT_TRUE(later.connected());
  EXPECT_FALSE(wait_until([&] { return !client.receive_now().empty(); }, std::chrono::milliseconds(50)));
  proxy_.resume();
  EXPECT_TRUE(client.receives("b"));
}

TEST_F(TcpProxyTest, ResetsTheConnectionsOfNowAndLetsNewOnesPass) {
  Client client(proxy_.port());
  client.send("a");
  ASSERT_TRUE(client.receives("a"));
  proxy_.reset();
  EXPECT_TRUE(client.is_reset());
  Client later(proxy_.port());
  later.send("b");
  EXPECT_TRUE(later.receives("b"));
}

TEST_F(TcpProxyTest, RefusesUntilResumed) {
  Client client(proxy_.port());
  client.send("a");
  ASSERT_TRUE(client.receives("a"));
  proxy_.refuse();
  EXPECT_TRUE(client.is_reset());
  EXPECT_FALSE(can_connect(proxy_.port()));
  proxy_.resume();
  EXPECT_TRUE(can_connect(proxy_.port()));
}

TEST_F(TcpProxyTest, DelaysEachWay) {
  proxy_.delay(std::chrono::milliseconds(60));
  Client client(proxy_.port());
  const auto begin = std::chrono::steady_clock::now();
  client.send("a");
  EXPECT_TRUE(client.receives("a"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(120));
}

TEST_F(TcpProxyTest, CutsAfterExactlySoManyBytesOnce) {
  proxy_.cut_after(3, TcpProxy::Direction::to_target);
  Client client(proxy_.port());
  client.send("abcdef");
  EXPECT_TRUE(client.is_reset());
  EXPECT_TRUE(proxy_.cut_happened());
  EXPECT_EQ(proxy_.bytes_passed(TcpProxy::Direction::to_target), 3U);
  Client later(proxy_.port());
  later.send("abcdef");
  EXPECT_TRUE(later.receives("abcdef"));
}

}  // namespace
}  // namespace test_support
