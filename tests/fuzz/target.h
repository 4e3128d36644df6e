// The fuzzers' targets: each takes one input, whatever its bytes, and checks what must hold of it. A broken promise is
// a Finding (libFuzzer: a crash; corpus_test: a failure); everything else the sanitizers see. Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fuzz {

using Bytes = std::span<const std::byte>;

class Finding : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void check(bool holds, const std::string& otherwise) {
  if (!holds) throw Finding(otherwise);
}

struct Target {
  std::string_view name;
  std::string_view help;
  std::size_t input_bytes_max;
  void (*run)(Bytes input);
};
[[nodiscard]] std::span<const Target> targets();
// Null: no such target.
[[nodiscard]] const Target* find_target(std::string_view name);

// A frame without its length: header and body of a request. With 0x4000 in the API key: key, version and the body of a
// response.
void fuzz_requests(Bytes input);
inline constexpr int kResponseBit = 0x4000;
// What Produce brings for one partition; once as it is, once with its length and checksum put right.
void fuzz_batches(Bytes input);
// Steps of a session (handlers_target.cc) against a broker in memory.
void fuzz_handlers(Bytes bytes);
// A script (journal_script.h) that writes a journal and damages it; it is recovered again and again.
void fuzz_journal(Bytes input);

}  // namespace fuzz
