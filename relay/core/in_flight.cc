// See in_flight.h.
#include "relay/core/in_flight.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/ensure.h"

namespace relay::core {

FlightMap::FlightMap(std::size_t expected) : slots_(std::bit_ceil(std::max<std::size_t>(expected * 2, 16)), nullptr) {}

Flight* FlightMap::find(RowId id) const {
  for (std::size_t slot = home(id);; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot] == nullptr || slots_[slot]->row.id == id) return slots_[slot];
  }
}

void FlightMap::insert(Flight* flight) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  std::size_t slot = home(flight->row.id);
  while (slots_[slot] != nullptr) {
    ENSURE(slots_[slot]->row.id != flight->row.id, "a row is admitted twice");
    slot = (slot + 1) & (slots_.size() - 1);
  }
  slots_[slot] = flight;
  ++size_;
}

// Closes the hole by moving back what would no longer be found.
void FlightMap::erase(RowId id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = home(id);
  while (slots_[hole] != nullptr && slots_[hole]->row.id != id) hole = (hole + 1) & mask;
  ENSURE(slots_[hole] != nullptr, "a row leaves that was not in flight");
  for (std::size_t slot = (hole + 1) & mask; slots_[slot] != nullptr; slot = (slot + 1) & mask) {
    const std::size_t wanted = home(slots_[slot]->row.id);
    if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue;
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = nullptr;
  --size_;
}

void FlightMap::grow() {
  std::vector<Flight*> old(slots_.size() * 2, nullptr);
  old.swap(slots_);
  size_ = 0;
  for (Flight* flight : old) {
    if (flight != nullptr) insert(flight);
  }
}

InFlight::InFlight(int rows_max, std::int64_t bytes_max)
    : rows_max_(rows_max), bytes_max_(bytes_max), map_(static_cast<std::size_t>(rows_max)), main_handed_(0x10000, 0) {}

int InFlight::rows_free() const { return std::max(0, rows_max_ - static_cast<int>(map_.size())); }

std::int64_t InFlight::bytes_free() const { return std::max<std::int64_t>(0, bytes_max_ - bytes_); }

Flight& InFlight::admit(Row&& row, KeyHash key, Lane lane, Lsn gate) {
  if (unused_.empty()) {
    pool_.emplace_back();
    unused_.push_back(&pool_.back());
  }
  Flight& flight = *unused_.back();
  unused_.pop_back();
  flight.row = std::move(row);
  flight.key = key;
  flight.order = ++order_;
  flight.gate = gate;
  flight.lane = lane;
  flight.stage = Stage::queued;
  flight.probe = false;
  flight.swept = false;
  flight.handed_at = {};
  flight.bytes = flight.row.bytes();
  bytes_ += static_cast<std::int64_t>(flight.bytes);
  map_.insert(&flight);
  (lane == Lane::main ? main_queue : single_queue).push_back(&flight);
  return flight;
}

void InFlight::shed(Flight& flight) {
  bytes_ -= static_cast<std::int64_t>(flight.bytes);
  flight.bytes = 0;
  const RowId id = flight.row.id;
  flight.row = Row{};
  flight.row.id = id;
}

void InFlight::remove(Flight& flight) {
  ENSURE(flight.stage != Stage::handed, "a row leaves while the publisher has it");
  if (flight.bytes > 0) shed(flight);
  map_.erase(flight.row.id);
  unused_.push_back(&flight);
}

void InFlight::handed_over(Flight& flight) {
  flight.stage = Stage::handed;
  flight.gate = Lsn{0};  // passed
  ++handed_;
  if (flight.lane == Lane::main) ++main_handed_[bucket(flight.key)];
}

void InFlight::handed_back(Flight& flight) {
  ENSURE(flight.stage == Stage::handed, "an outcome for a row that the publisher does not have");
  flight.stage = Stage::queued;
  --handed_;
  if (flight.lane == Lane::main) --main_handed_[bucket(flight.key)];
}

}  // namespace relay::core
