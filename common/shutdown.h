// The wish to stop: SIGTERM or SIGINT, as a descriptor that any number of threads can wait on.
#pragma once

#include <chrono>
#include <csignal>

namespace common {

// One per process, made in main before threads start. While it lives: SIGTERM and the first SIGINT ask to stop, a
// second SIGINT ends the process at once (exit status 130), SIGPIPE is ignored. The destructor puts the old handlers
// back. Throws common::Error when the kernel gives no descriptor.
class Shutdown {
 public:
  Shutdown();
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  // Readable from the request on, for ever: poll it, never read it. Owned by this object.
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool requested() const;
  // Waits for the request or the time; true when it was requested. Thread-safe.
  bool wait_for(std::chrono::milliseconds time) const;
  // Waits without end.
  void wait() const;
  // Asks from within. Thread-safe.
  void request();
  // The signal that asked, 0 when none did.
  [[nodiscard]] int signal() const;

 private:
  int fd_ = -1;
  struct sigaction old_term_{};
  struct sigaction old_int_{};
  struct sigaction old_pipe_{};
};

}  // namespace common
