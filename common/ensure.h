// ENSURE: an invariant of ours is broken, so nothing we would do next can be trusted. Always on; aborts.
#pragma once

namespace common {

// Prints the expression, the place and the message to stderr, then aborts.
[[noreturn]] void ensure_failed(const char* expression, const char* file, int line, const char* message) noexcept;

}  // namespace common

#define ENSURE(condition, message)                                      \
  do {                                                                  \
    if (!(condition)) [[unlikely]]                                      \
      ::common::ensure_failed(#condition, __FILE__, __LINE__, message); \
  } while (false)
