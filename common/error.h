// The one base of exceptions: the environment (disk, network, database, file) failed.
// Domain outcomes are enums or variants, broken invariants are ENSURE.
#pragma once

#include <stdexcept>
#include <string>

namespace common {

// Process exit codes, CONTRACTS "Programs, addresses, exit codes".
enum class ExitCode : int {
  ok = 0,
  failed = 1,
  usage = 64,
  dependency_refused = 69,
  disk_failed = 74,
  configuration = 78
};

class Error : public std::runtime_error {
 public:
  // `message` names the thing that failed and the way out, in one line without secrets.
  explicit Error(const std::string& message, bool retryable = false, ExitCode exit_code = ExitCode::failed)
      : std::runtime_error(message), retryable_(retryable), exit_code_(exit_code) {}

  // True: the same call may succeed later without anybody changing anything.
  [[nodiscard]] bool retryable() const noexcept { return retryable_; }
  // What the program ends with when this reaches main before the first success.
  [[nodiscard]] ExitCode exit_code() const noexcept { return exit_code_; }

 private:
  bool retryable_;
  ExitCode exit_code_;
};

}  // namespace common
