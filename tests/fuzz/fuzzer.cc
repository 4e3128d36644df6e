// libFuzzer's entry. The target is named by FUZZ_TARGET, which ./x fuzz sets.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/fuzz/target.h"

namespace {

const fuzz::Target& target() {
  const char* name = std::getenv("FUZZ_TARGET");
  const fuzz::Target* found = fuzz::find_target(name == nullptr ? "" : name);
  if (found == nullptr) {
    std::fputs("FUZZ_TARGET must be one of:\n", stderr);
    for (const fuzz::Target& one : fuzz::targets())
      std::fprintf(stderr, "  %-10s %s\n", std::string(one.name).c_str(), std::string(one.help).c_str());
    std::exit(64);
  }
  return *found;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Target& chosen = target();
  if (size > chosen.input_bytes_max) return -1;  // not kept
  chosen.run(std::as_bytes(std::span(data, size)));
  return 0;
}
