// The list of targets.
#include <algorithm>
#include <array>

#include "tests/fuzz/target.h"

namespace fuzz {
namespace {

constexpr auto kTargets = std::to_array<Target>({
    {"requests", "every API and version: decode, encode, decode again, and what that allocates", 16 << 10,
     fuzz_requests},
    {"batches", "record batches: verdicts, and that rewriting keeps a good batch good", 4 << 10, fuzz_batches},
    {"handlers", "sessions of requests against a broker in memory, and the replay of what it journalled", 16 << 10,
     fuzz_handlers},
    {"journal", "journals with damage: refused in words, or recovered to the same state each time", 8 << 10,
     fuzz_journal},
});

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  const auto* found = std::ranges::find(kTargets, name, &Target::name);
  return found == kTargets.end() ? nullptr : found;
}

}  // namespace fuzz
