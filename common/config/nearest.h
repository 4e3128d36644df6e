// The word somebody probably meant.
#pragma once

#include <span>
#include <string_view>

namespace common::config {

// The nearest of `known` by edit distance (a swap of neighbours counts once) when it is near enough to be meant,
// otherwise empty. Words beyond 64 characters are near nothing.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace common::config
