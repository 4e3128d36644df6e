// Listener, clockwork, start and end.
#include "broker/net/server.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "broker/net/hub.h"
#include "broker/net/session.h"
#include "common/error.h"
#include "common/listen.h"
#include "common/log.h"

namespace broker::net {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kAcceptPause{200};
constexpr std::chrono::milliseconds kMemoryLook{2};

// A descriptor that others own: given back before asio would close it.
class Borrowed {
 public:
  Borrowed(asio::io_context& io, int fd) : descriptor_(io, fd) {}
  ~Borrowed() { descriptor_.release(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  asio::posix::stream_descriptor* operator->() { return &descriptor_; }

 private:
  asio::posix::stream_descriptor descriptor_;
};

int family_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? address.ss_family : AF_INET;
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, common::Metrics& metrics)
      : options_(std::move(options)),
        listener_(common::listen_on(options_.listen, "--listen")),
        handler_metrics_(metrics),
        net_metrics_(metrics) {}

  [[nodiscard]] const common::HostPort& address() const { return listener_.address; }
  [[nodiscard]] common::HostPort advertised() const {
    return options_.advertise.host.empty() ? listener_.address : options_.advertise;
  }
  void run(core::Broker& broker, int stop_fd, common::Liveness::Heartbeat& heartbeat,
           std::function<void()> every_second);

 private:
  // What lives as long as run() does.
  struct Running {
    Running(Impl& impl, core::Broker& in, int stop_fd, common::Liveness::Heartbeat& beat)
        : broker(in),
          heartbeat(beat),
          context{in, impl.handler_metrics_, impl.options_.limits.requests},
          hub(context, impl.options_.limits, impl.net_metrics_),
          acceptor(io),
          durable(io, in.store().durable_fd()),
          stop(io, stop_fd),
          due(io),
          second(io),
          memory(io) {}
    asio::io_context io{1};
    core::Broker& broker;
    common::Liveness::Heartbeat& heartbeat;
    handlers::Context context;
    Hub hub;
    asio::ip::tcp::acceptor acceptor;
    Borrowed durable;
    Borrowed stop;
    asio::steady_timer due;
    asio::steady_timer second;
    asio::steady_timer memory;
    bool looks_for_memory = false;
    std::optional<core::Time> due_at;
    std::function<void()> every_second;
    bool stopping = false;
    SteadyClock::time_point stop_by;
  };

  static asio::awaitable<void> accept_connections(Running* running);
  static asio::awaitable<void> watch_durable(Running* running);
  static asio::awaitable<void> watch_stop(Running* running, std::chrono::seconds drain);
  static asio::awaitable<void> turn_every_second(Running* running);
  static void welcome(Running& running, asio::ip::tcp::socket socket);
  static void arm(Running& running);
  static void look_for_memory(Running& running);
  static void close_all(Running& running);

  ServerOptions options_;
  common::Listener listener_;
  handlers::HandlerMetrics handler_metrics_;
  NetMetrics net_metrics_;
};

void Server::Impl::welcome(Running& running, asio::ip::tcp::socket socket) {
  asio::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return;
  auto address = remote.address().to_string();
  const common::HostPort peer{address, remote.port()};
  if (!running.hub.admit(address)) {
    return running.hub.log_closed(
        peer.text(), "too many connections, of this address or in all ([limits] connections_per_address, connections)");
  }
  auto session = std::make_shared<Session>(std::move(socket), running.hub, std::move(address), peer.text());
  session->start();
}

asio::awaitable<void> Server::Impl::accept_connections(Running* running) {
  while (!running->stopping) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    auto socket = co_await running->acceptor.async_accept(token);
    if (running->stopping) break;
    if (!error) {
      welcome(*running, std::move(socket));
      continue;
    }
    // Out of descriptors or memory: those who wait stay in the kernel's queue.
    running->hub.log_closed("(next)", "cannot accept: " + error.message());
    asio::steady_timer pause(running->io, kAcceptPause);
    asio::error_code ignored;
    auto pause_token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await pause.async_wait(pause_token);
  }
}

// Sessions end before the hub does; their coroutines are destroyed with the loop.
void Server::Impl::close_all(Running& running) {
  for (const auto& session : running.hub.sessions()) session->close(Ended::over);
}

// Sets the timer to the core's next deadline.
void Server::Impl::arm(Running& running) {
  const auto next = running.broker.next_deadline();
  if (!next || (running.due_at && *running.due_at <= *next)) return;
  running.due_at = next;
  const auto now = running.broker.now();
  running.due.expires_after(std::chrono::duration_cast<SteadyClock::duration>(std::max(*next - now, core::Time(0))));
  running.due.async_wait([&running](const asio::error_code& error) {
    if (error) return;
    running.due_at.reset();
    running.broker.tick();
    running.hub.memory_changed();
    arm(running);
  });
}

// While connections wait for memory: the store lets go of frames when it has written them, and tells nobody.
void Server::Impl::look_for_memory(Running& running) {
  if (std::exchange(running.looks_for_memory, true)) return;
  running.memory.expires_after(kMemoryLook);
  running.memory.async_wait([&running](const asio::error_code& error) {
    if (error) return;
    running.looks_for_memory = false;
    running.broker.tick();
    running.hub.memory_changed();
    if (running.hub.anybody_waits_for_memory()) look_for_memory(running);
  });
}

asio::awaitable<void> Server::Impl::watch_durable(Running* running) {
  for (;;) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    constexpr auto kReadable = asio::posix::stream_descriptor::wait_read;
    co_await running->durable->async_wait(kReadable, token);
    if (error) co_return;
    eventfd_t moved = 0;
    (void)::eventfd_read(running->durable->native_handle(), &moved);
    if (const auto why = running->broker.store().poisoned()) {
      throw common::Error("the disk failed: " + *why, false, common::ExitCode::disk_failed);
    }
    running->hub.durable_moved();
    running->broker.tick();
    running->hub.memory_changed();
  }
}

asio::awaitable<void> Server::Impl::watch_stop(Running* running, std::chrono::seconds drain) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  constexpr auto kReadable = asio::posix::stream_descriptor::wait_read;
  co_await running->stop->async_wait(kReadable, token);
  if (error) co_return;
  common::log::info("stopping: what is under way is answered first");
  running->stopping = true;
  running->stop_by = SteadyClock::now() + drain;
  asio::error_code ignored;
  running->acceptor.close(ignored);
  running->broker.fetch_waiters().end_all();
  for (const auto& session : running->hub.sessions()) session->finish();
  constexpr std::chrono::milliseconds kLook{10};
  while (!running->hub.empty() && SteadyClock::now() < running->stop_by) {
    asio::steady_timer look(running->io, kLook);
    auto look_token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await look.async_wait(look_token);
  }
  running->io.stop();
}

asio::awaitable<void> Server::Impl::turn_every_second(Running* running) {
  for (;;) {
    constexpr std::chrono::seconds kSecond{1};
    running->second.expires_after(kSecond);
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await running->second.async_wait(token);
    if (error) co_return;
    running->heartbeat.beat();
    running->hub.new_second();
    running->hub.give_memory_back();
    if (running->every_second) running->every_second();
    running->broker.tick();
    running->hub.memory_changed();
    arm(*running);
    running->hub.check_timeouts();
  }
}

void Server::Impl::run(core::Broker& broker, int stop_fd, common::Liveness::Heartbeat& heartbeat,
                       std::function<void()> every_second) {
  // A coroutine's exception leaves through run(): a poisoned store, or a fault of ours.
  const auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  };
  Running running(*this, broker, stop_fd, heartbeat);
  const int family = family_of(listener_.fd.get());
  running.acceptor.assign(family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ::dup(listener_.fd.get()));
  listener_.fd.reset();
  running.every_second = std::move(every_second);
  running.hub.on_handled([&running] { arm(running); });
  running.hub.on_waiting_for_memory([&running] { look_for_memory(running); });
  asio::co_spawn(running.io, accept_connections(&running), rethrow);
  asio::co_spawn(running.io, watch_durable(&running), rethrow);
  asio::co_spawn(running.io, watch_stop(&running, options_.limits.drain_timeout), rethrow);
  asio::co_spawn(running.io, turn_every_second(&running), rethrow);
  try {
    running.io.run();
  } catch (...) {
    close_all(running);
    throw;
  }
  close_all(running);
}

Server::Server(ServerOptions options, common::Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), metrics)) {}
Server::~Server() = default;
const common::HostPort& Server::address() const { return impl_->address(); }
common::HostPort Server::advertised() const { return impl_->advertised(); }
void Server::run(core::Broker& broker, int stop_fd, common::Liveness::Heartbeat& heartbeat,
                 std::function<void()> every_second) {
  impl_->run(broker, stop_fd, heartbeat, std::move(every_second));
}

}  // namespace broker::net
