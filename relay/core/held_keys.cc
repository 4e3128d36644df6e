// See held_keys.h; README.md of this folder has the argument why it is exact.
#include "relay/core/held_keys.h"

#include <utility>

#include "common/ensure.h"

namespace relay::core {

namespace {
constexpr std::size_t kFilterWords = std::size_t{1} << 17;  // 1 MiB
constexpr std::uint64_t kFilterBits = kFilterWords * 64;
constexpr int kBitsPerKey = 4;
}  // namespace

void BloomFilter::insert(KeyHash key) {
  if (words_.empty()) words_.assign(kFilterWords, 0);
  const std::uint64_t hash = mix_bits(key ^ seed_);
  const std::uint64_t step = mix_bits(hash) | 1;
  for (int bit = 0; bit < kBitsPerKey; ++bit) {
    const std::uint64_t place = (hash + static_cast<std::uint64_t>(bit) * step) % kFilterBits;
    words_[place / 64] |= std::uint64_t{1} << (place % 64);
  }
}

bool BloomFilter::contains(KeyHash key) const {
  if (words_.empty()) return false;
  const std::uint64_t hash = mix_bits(key ^ seed_);
  const std::uint64_t step = mix_bits(hash) | 1;
  for (int bit = 0; bit < kBitsPerKey; ++bit) {
    const std::uint64_t place = (hash + static_cast<std::uint64_t>(bit) * step) % kFilterBits;
    if ((words_[place / 64] & (std::uint64_t{1} << (place % 64))) == 0) return false;
  }
  return true;
}

void BloomFilter::clear(std::uint64_t seed) {
  words_.clear();
  words_.shrink_to_fit();
  seed_ = seed;
}

bool HeldKeys::Set::contains(KeyHash key) const {
  if (!exact.empty() && exact.contains(key)) return true;
  return overflow.contains(key);
}

void HeldKeys::Set::follow(KeyHash key) {
  if (const auto found = exact.find(key); found != exact.end()) found->second.followers = true;
}

// A second row: the smaller id may come before the one known as first, of which nothing is certain then.
void HeldKeys::Set::insert(KeyHash key, RowId id, bool known_first, std::size_t exact_max) {
  if (const auto found = exact.find(key); found != exact.end()) {
    Entry& entry = found->second;
    if (entry.first == id) return;
    entry.followers = true;
    if (id < entry.first) entry.first = known_first ? id : RowId{0};
    return;
  }
  if (overflow.contains(key) || exact.size() >= exact_max) {
    overflow.insert(key);
    return;
  }
  exact.emplace(key, Entry{.first = known_first ? id : RowId{0}, .followers = !known_first});
}

void HeldKeys::Set::clear(std::uint64_t seed) {
  exact.clear();
  overflow.clear(seed);
}

HeldKeys::HeldKeys(std::size_t exact_max, std::uint64_t seed) : exact_max_(exact_max), seed_(seed) { clear(); }

void HeldKeys::hold(KeyHash key, RowId id, bool sole, bool passed) {
  if (key == kNoKey) return;
  now_.insert(key, id, sole, exact_max_);
  if (pass_open_ && passed) next_.insert(key, id, sole, exact_max_);
}

std::optional<RowId> HeldKeys::first_blocker(KeyHash key) const {
  const auto found = now_.exact.find(key);
  if (found == now_.exact.end() || found->second.first == RowId{0}) return std::nullopt;
  return found->second.first;
}

bool HeldKeys::release(KeyHash key, RowId id) {
  if (key == kNoKey) return false;
  const auto found = now_.exact.find(key);
  if (found == now_.exact.end()) return now_.overflow.contains(key);
  if (found->second.first != id) return true;
  if (found->second.followers) {
    found->second.first = RowId{0};
    return true;
  }
  now_.exact.erase(found);
  // Nothing else of the key waits, so the pass need not carry it on either; unless it does not know it exactly.
  if (pass_open_) next_.exact.erase(key);
  return false;
}

void HeldKeys::forget_first_blockers() {
  for (Set* set : {&now_, &next_}) {
    for (auto& [key, entry] : set->exact) entry = Entry{.first = RowId{0}, .followers = true};
  }
}

void HeldKeys::clear() {
  seed_ = mix_bits(seed_ + 0x9e3779b97f4a7c15ULL);
  now_.clear(seed_);
  next_.clear(mix_bits(seed_));
  pass_open_ = false;
}

void HeldKeys::begin_pass() {
  seed_ = mix_bits(seed_ + 0x9e3779b97f4a7c15ULL);
  next_.clear(seed_);
  pass_open_ = true;
}

void HeldKeys::abandon_pass() {
  next_.clear(seed_);
  pass_open_ = false;
}

void HeldKeys::end_pass() {
  ENSURE(pass_open_, "a pass ends that never began");
  std::swap(now_, next_);
  abandon_pass();
}

void HeldKeys::block_in_pass(KeyHash key, RowId id, bool known_first) {
  if (key == kNoKey) return;
  // A key met here that the fast path does not hold: a row that appeared where nothing was expected any more.
  now_.insert(key, id, false, exact_max_);
  next_.insert(key, id, known_first, exact_max_);
}

}  // namespace relay::core
