// A child process that cannot outlive the test: ended by the destructor, and by the kernel when the test itself dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/wait_until.h"

namespace test_support {

struct Exit {
  int code = -1;   // exit code, or -1 when a signal ended it
  int signal = 0;  // the signal that ended it, or 0
};

struct ProcessOptions {
  std::map<std::string, std::string> environment = {};  // added to the test's own
  std::filesystem::path output = {};                    // gets stdout and stderr, appended; empty: the test's own
  std::filesystem::path error_output = {};              // gets stderr alone; empty: as `output`
};

// Owned by one thread at a time; any thread may start one.
class Process {
 public:
  // argv[0] is a path or a name on PATH. Throws common::Error when it cannot be started.
  explicit Process(std::vector<std::string> argv, const ProcessOptions& options = {});
  ~Process();  // SIGKILL, then reaps
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  // Nothing happens when it has ended already.
  void signal(int number);
  // Nothing: it still runs at the deadline. Once ended it gives the same answer again and again.
  [[nodiscard]] std::optional<Exit> wait(std::chrono::milliseconds deadline = kDeadline);
  // SIGTERM and wait; SIGKILL and common::Error when the deadline passes.
  Exit terminate(std::chrono::milliseconds deadline = kDeadline);
  void kill();  // SIGKILL and reap

 private:
  pid_t pid_ = -1;
  std::optional<Exit> exit_;
};

struct RunResult {
  Exit exit;
  std::string output;        // stdout
  std::string error_output;  // stderr
};
// Runs to its end and returns what it printed. Throws common::Error past the deadline.
[[nodiscard]] RunResult run(std::vector<std::string> argv, std::map<std::string, std::string> environment = {},
                            std::chrono::milliseconds deadline = kDeadline);

// The whole file; empty when there is none.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace test_support
