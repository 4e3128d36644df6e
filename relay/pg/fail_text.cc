// Cuts and cleans failure texts.
#include "relay/pg/fail_text.h"

#include "common/text.h"

namespace relay::pg {

std::string storable(std::string_view text, std::size_t characters_max) {
  // A character takes at most four bytes: what lies beyond cannot matter (and may be megabytes).
  std::string clean = common::valid_utf8(text.substr(0, characters_max * 4 + 4));
  std::string kept;
  kept.reserve(clean.size());
  std::size_t characters = 0;
  for (const char c : clean) {
    if (c == '\0') continue;
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!continues && ++characters > characters_max) break;
    kept += c;
  }
  return kept;
}

}  // namespace relay::pg
