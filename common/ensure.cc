// Where a broken invariant ends the process.
#include "common/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace common {

void ensure_failed(const char* expression, const char* file, int line, const char* message) noexcept {
  std::fprintf(stderr, "invariant broken: %s (%s) at %s:%d\n", message, expression, file, line);
  std::abort();
}

}  // namespace common
