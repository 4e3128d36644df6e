// The rows between their reading and the commit of their mark: what the window bounds, and what later readings of the
// same rows are compared with. One thread at a time (Pipeline's lock).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "relay/core/key_hash.h"
#include "relay/core/outbox_store.h"
#include "relay/core/publisher.h"

namespace relay::core {

struct TopicMeters;

// How far a row in flight has come.
enum class Stage : std::uint8_t {
  queued,     // admitted, not yet with the publisher
  handed,     // with the publisher
  delivered,  // acknowledged, its mark not committed
  failed,     // to be marked as failed; holds its key
};

struct Flight {
  Row row;  // emptied, but for its id, once its outcome is known
  KeyHash key = kNoKey;
  std::uint64_t order = 0;  // of admission
  Lsn gate;                 // goes out once this is flushed
  Lane lane = Lane::main;
  Stage stage = Stage::queued;
  bool probe = false;  // its topic's breaker waits for its outcome
  bool swept = false;  // admitted below the watermark: only a sweep finds it again
  std::size_t bytes = 0;
  TopicMeters* meters = nullptr;
  std::chrono::nanoseconds read_at{0};
  std::chrono::nanoseconds handed_at{0};

  // Nothing later of its key may go to the main lane before this is settled.
  [[nodiscard]] bool blocks() const {
    return stage == Stage::failed || (lane == Lane::single && stage != Stage::delivered);
  }
};

// id → Flight*, open addressing; the ids of a window lie close together, so they are mixed.
class FlightMap {
 public:
  explicit FlightMap(std::size_t expected);
  [[nodiscard]] Flight* find(RowId id) const;
  void insert(Flight* flight);
  void erase(RowId id);
  [[nodiscard]] std::size_t size() const { return size_; }
  template <class Visit>
  void for_each(Visit visit) const {
    for (Flight* flight : slots_) {
      if (flight != nullptr) visit(*flight);
    }
  }

 private:
  [[nodiscard]] std::size_t home(RowId id) const {
    return mix_bits(static_cast<std::uint64_t>(id.value())) & (slots_.size() - 1);
  }
  void grow();
  std::vector<Flight*> slots_;
  std::size_t size_ = 0;
};

class InFlight {
 public:
  InFlight(int rows_max, std::int64_t bytes_max);

  [[nodiscard]] Flight* find(RowId id) const { return map_.find(id); }
  [[nodiscard]] std::size_t rows() const { return map_.size(); }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  // Room left of the window, 0 or more.
  [[nodiscard]] int rows_free() const;
  [[nodiscard]] std::int64_t bytes_free() const;

  // The order of admissions is the order of feeding.
  Flight& admit(Row&& row, KeyHash key, Lane lane, Lsn gate);
  [[nodiscard]] std::uint64_t last_order() const { return order_; }
  // The row's contents are needed no more.
  void shed(Flight& flight);
  void remove(Flight& flight);

  // Rows of the main lane with the publisher that share the key's bucket: 0 is certain, more may be other keys'.
  void handed_over(Flight& flight);
  void handed_back(Flight& flight);
  [[nodiscard]] bool main_lane_clear(KeyHash key) const { return main_handed_[bucket(key)] == 0; }
  [[nodiscard]] std::size_t handed() const { return handed_; }

  std::deque<Flight*> main_queue;
  std::deque<Flight*> single_queue;

  template <class Visit>
  void for_each(Visit visit) const {
    map_.for_each(visit);
  }

 private:
  static std::size_t bucket(KeyHash key) { return key & 0xffff; }

  int rows_max_;
  std::int64_t bytes_max_;
  std::int64_t bytes_ = 0;
  std::size_t handed_ = 0;
  std::uint64_t order_ = 0;
  FlightMap map_;
  std::deque<Flight> pool_;
  std::vector<Flight*> unused_;
  std::vector<std::uint32_t> main_handed_;
};

}  // namespace relay::core
