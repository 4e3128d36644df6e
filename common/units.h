// Durations and sizes as people write them in configurations: "10s", "1m30s", "16MiB". Never a bare number.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/parsed.h"
#include "common/strong.h"

namespace common {

using ByteSize = Strong<struct ByteSizeTag, std::int64_t>;

// Parts of a whole number and a unit (ms, s, m, h, d), each unit once, from large to small; at most 36,500 days.
[[nodiscard]] Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);
// A whole number and a unit: B, KiB, MiB, GiB, TiB (1,024) or kB, MB, GB, TB (1,000); at most 8 EiB.
[[nodiscard]] Parsed<ByteSize> parse_size(std::string_view text);

// Texts that parse to the same value again. Negative values are not for these.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
[[nodiscard]] std::string format_size(ByteSize size);

}  // namespace common
