// Text on its way into fail_msg and outbox_event. Pure.
#pragma once

#include <string>
#include <string_view>

namespace relay::pg {

// Valid UTF-8 without NUL (a text column takes none), at most `characters_max` characters.
[[nodiscard]] std::string storable(std::string_view text, std::size_t characters_max = 500);

}  // namespace relay::pg
