// Which keys the fast path must leave alone, in memory that does not grow with them.
//
// A key is held while one of its rows at or below the watermark is neither in flight nor done. Held may be said of a
// key that is not (its rows then wait for the sweep), never the other way round. Up to `exact_max` keys are kept with
// what is known of their first blocker, so that they can be set free one by one; the rest share a Bloom filter, which
// only the sweep empties: each pass collects the keys it met blocked, and when it has seen everything its collection
// takes the place of what was held before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "relay/core/key_hash.h"
#include "relay/core/row.h"

namespace relay::core {

// 1 MiB, four bits a key, made when first needed.
class BloomFilter {
 public:
  explicit BloomFilter(std::uint64_t seed = 0) : seed_(seed) {}
  void insert(KeyHash key);
  [[nodiscard]] bool contains(KeyHash key) const;
  [[nodiscard]] bool empty() const { return words_.empty(); }
  void clear(std::uint64_t seed);

 private:
  std::uint64_t seed_;
  std::vector<std::uint64_t> words_;
};

class HeldKeys {
 public:
  HeldKeys(std::size_t exact_max, std::uint64_t seed);

  [[nodiscard]] bool held(KeyHash key) const { return now_.contains(key); }
  // Row `id` of `key` blocks it. When the key was free before and `sole` is true, `id` is known to be its first and
  // only waiting row. During a pass, `passed` says that the pass will not meet the row any more (its id is at or
  // below the cursor), so the pass's own collection must know as well.
  void hold(KeyHash key, RowId id, bool sole, bool passed);
  // The row that blocks this key first and may therefore go before all others; none: not known.
  [[nodiscard]] std::optional<RowId> first_blocker(KeyHash key) const;
  // Row `id` no longer blocks (it is on its way in order, delivered, cancelled). True: rows of the key may wait behind
  // it that only a sweep can set free.
  bool release(KeyHash key, RowId id);
  // Nothing known about first blockers holds any more (rows in flight were dropped).
  void forget_first_blockers();
  void clear();

  void begin_pass();
  void abandon_pass();
  // The pass saw every row up to the watermark in the turn that ends here.
  void end_pass();
  [[nodiscard]] bool pass_open() const { return pass_open_; }
  [[nodiscard]] bool blocked_in_pass(KeyHash key) const { return next_.contains(key); }
  // The pass met row `id`, which blocks its key (known_first false: other rows of the key may come before it).
  void block_in_pass(KeyHash key, RowId id, bool known_first);
  // The pass met a row that waits behind a blocked one.
  void follow_in_pass(KeyHash key) { next_.follow(key); }

  [[nodiscard]] std::size_t exact_size() const { return now_.exact.size(); }

 private:
  struct Entry {
    RowId first;             // 0: not known
    bool followers = false;  // another row of the key waits, or may
  };
  struct Set {
    std::unordered_map<KeyHash, Entry> exact;
    BloomFilter overflow;
    [[nodiscard]] bool contains(KeyHash key) const;
    void follow(KeyHash key);
    void insert(KeyHash key, RowId id, bool known_first, std::size_t exact_max);
    void clear(std::uint64_t seed);
  };

  std::size_t exact_max_;
  std::uint64_t seed_;
  Set now_;
  Set next_;
  bool pass_open_ = false;
};

}  // namespace relay::core
