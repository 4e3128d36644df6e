// Eight bytes at a step; no defence against chosen keys is needed, since meeting only delays.
#include "relay/core/key_hash.h"

#include <cstring>

namespace relay::core {

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = seed ^ (text.size() * 0x9e3779b97f4a7c15ULL);
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    hash = mix_bits(hash ^ word) + 0x9e3779b97f4a7c15ULL;
    text.remove_prefix(sizeof word);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  return mix_bits(hash ^ rest);
}

KeyHash key_hash(std::string_view topic, const std::optional<std::string>& key) {
  if (!key) return kNoKey;
  const KeyHash hash = hash_text(*key, hash_text(topic, 0x6f7574626f78ULL));
  return hash == kNoKey ? 1 : hash;
}

}  // namespace relay::core
