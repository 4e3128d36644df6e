// Signals become a counter in an eventfd: nothing but a write happens in the handler, and whoever waits is woken.
#include "common/shutdown.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "common/ensure.h"
#include "common/error.h"

namespace common {
namespace {

// A signal handler has no other way to know whom to tell.
std::atomic<int> shutdown_fd{-1};
std::atomic<int> shutdown_signal{0};
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

void tell(int fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

void on_signal(int number) {
  const int saved_errno = errno;
  if (number == SIGINT && interrupts.fetch_add(1) > 0) _exit(128 + SIGINT);
  int none = 0;
  shutdown_signal.compare_exchange_strong(none, number);
  tell(shutdown_fd.load());
  errno = saved_errno;
}

bool readable(int fd, int timeout_ms) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, timeout_ms) > 0;
}

}  // namespace

Shutdown::Shutdown() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(std::string("cannot make an eventfd: ") + std::strerror(errno));
  const int previous = shutdown_fd.exchange(fd_);
  ENSURE(previous == -1, "one Shutdown per process");
  shutdown_signal = 0;
  interrupts = 0;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, &old_term_);
  sigaction(SIGINT, &action, &old_int_);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, &old_pipe_);
}

Shutdown::~Shutdown() {
  sigaction(SIGTERM, &old_term_, nullptr);
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGPIPE, &old_pipe_, nullptr);
  shutdown_fd = -1;
  ::close(fd_);
}

bool Shutdown::requested() const { return readable(fd_, 0); }

bool Shutdown::wait_for(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    // A poll may end early for a signal, and its time is an int.
    if (readable(fd_, left <= 0 ? 0 : static_cast<int>(left < 60'000 ? left : 60'000))) return true;
    if (left <= 0) return false;
  }
}

void Shutdown::wait() const {
  while (!readable(fd_, -1)) {
  }
}

void Shutdown::request() { tell(fd_); }

int Shutdown::signal() const { return shutdown_signal.load(); }

}  // namespace common
