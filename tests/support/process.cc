// Implements process.h. PR_SET_PDEATHSIG watches the thread that forked, so all children are forked by one thread that
// lives as long as the test; between fork and exec only async-signal-safe calls are made.
#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "common/error.h"
#include "tests/support/temp_dir.h"

namespace test_support {
namespace {

// Runs one call at a time on its own thread.
class Forker {
 public:
  static Forker& instance() {
    static auto* forker = new Forker;  // never destroyed: its thread lives to the end
    return *forker;
  }

  pid_t call(const std::function<pid_t()>& work) {
    const std::lock_guard one_at_a_time(callers_);
    std::unique_lock lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
    return result_;
  }

 private:
  Forker() {
    std::thread([this] { loop(); }).detach();
  }

  [[noreturn]] void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return work_ != nullptr; });
      result_ = (*work_)();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex callers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<pid_t()>* work_ = nullptr;
  pid_t result_ = -1;
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

int open_output(const std::filesystem::path& path) {
  if (path.empty()) return -1;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) throw common::Error("cannot open " + path.string() + ": " + std::strerror(errno));
  return file;
}

// In the child; never returns.
[[noreturn]] void become(char* const* argv, char* const* environment, int output, int error_output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the test died before the line above
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (output >= 0) ::dup2(output, STDOUT_FILENO);
  if (error_output >= 0) {
    ::dup2(error_output, STDERR_FILENO);
  } else if (output >= 0) {
    ::dup2(output, STDERR_FILENO);
  }
  ::execvpe(argv[0], argv, environment);
  static constexpr char kMessage[] = "test_support: exec failed\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(127);
}

Exit decode(int status) {
  if (WIFSIGNALED(status)) return Exit{.code = -1, .signal = WTERMSIG(status)};
  return Exit{.code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

Process::Process(std::vector<std::string> argv, const ProcessOptions& options) {
  std::vector<std::string> environment = merged_environment(options.environment);
  const std::vector<char*> argument_pointers = pointers(argv);
  const std::vector<char*> environment_pointers = pointers(environment);
  const int output = open_output(options.output);
  const int error_output = open_output(options.error_output);
  const pid_t parent = ::getpid();
  pid_ = Forker::instance().call([&]() -> pid_t {
    const pid_t child = ::fork();
    if (child == 0) {
      become(argument_pointers.data(), environment_pointers.data(), output, error_output, parent);
    }
    return child;
  });
  const int fork_error = errno;
  if (output >= 0) ::close(output);
  if (error_output >= 0) ::close(error_output);
  if (pid_ < 0) throw common::Error("cannot start " + argv.front() + ": " + std::strerror(fork_error), true);
}

Process::~Process() { kill(); }

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), exit_(other.exit_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    exit_ = other.exit_;
  }
  return *this;
}

bool Process::running() { return !wait(std::chrono::milliseconds(0)); }

void Process::signal(int number) {
  if (pid_ > 0 && running()) ::kill(pid_, number);
}

std::optional<Exit> Process::wait(std::chrono::milliseconds deadline) {
  if (pid_ <= 0) return Exit{};
  if (exit_) return exit_;
  const bool ended = wait_until(
      [this] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
        exit_ = decode(status);
        return true;
      },
      deadline);
  return ended ? exit_ : std::nullopt;
}

Exit Process::terminate(std::chrono::milliseconds deadline) {
  signal(SIGTERM);
  if (const std::optional<Exit> exit = wait(deadline)) return *exit;
  const std::string message = "process " + std::to_string(pid_) + " ignored SIGTERM until the deadline";
  kill();
  throw common::Error(message);
}

void Process::kill() {
  if (pid_ <= 0 || exit_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = decode(status);
}

RunResult run(std::vector<std::string> argv, std::map<std::string, std::string> environment,
              std::chrono::milliseconds deadline) {
  const TempDir folder;
  const std::string name = argv.front();
  Process process(std::move(argv), ProcessOptions{.environment = std::move(environment),
                                                  .output = folder / "output",
                                                  .error_output = folder / "error_output"});
  const std::optional<Exit> exit = process.wait(deadline);
  if (!exit) throw common::Error(name + " did not end before the deadline");
  return RunResult{*exit, read_file(folder / "output"), read_file(folder / "error_output")};
}

std::string read_file(const std::filesystem::path& path) {
  const std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  return text.str();
}

}  // namespace test_support
