// Walking a store.
#include "broker/inspect.h"

#include <ostream>
#include <string>

#include "broker/protocol/record_batch.h"
#include "common/error.h"

namespace broker {
namespace {

constexpr std::uint64_t kReadBytes = 1 << 20;

struct Totals {
  std::int64_t partitions = 0;
  std::int64_t records = 0;
  std::uint64_t bytes = 0;
};

// Empty: well. Otherwise what is wrong, and where.
std::string check_partition(storage::Store& store, const storage::PartitionRef& ref, Totals& totals) {
  const auto bounds = store.bounds(ref);
  if (!bounds) return "the storage does not know it";
  auto at = bounds->start;
  while (at < bounds->durable_end) {
    const auto read = store.read(ref, at, kReadBytes);
    protocol::BatchIterator batches(read.bytes);
    const auto before = at;
    while (const auto batch = batches.next()) {
      const auto here = " at offset " + std::to_string(at.value());
      // A log may begin in the middle of a batch.
      const bool follows = batch->base_offset == at.value() || (at == bounds->start && batch->base_offset < at.value());
      if (!follows) return "a gap" + here + ": offset " + std::to_string(batch->base_offset) + " follows";
      if (!protocol::crc_matches(*batch)) return "a batch that is not what was written" + here;
      at = storage::Offset(batch->last_offset() + 1);
      totals.records += batch->record_count;
    }
    totals.bytes += read.bytes.size();
    if (at == before) return "no whole batch at offset " + std::to_string(at.value());
  }
  return {};
}

}  // namespace

bool check_store(core::State& state, storage::Store& store, std::ostream& out) {
  Totals totals;
  bool well = true;
  for (const auto& [name, topic] : state.topics()) {
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      ++totals.partitions;
      std::string wrong;
      try {
        wrong = check_partition(store, {topic->id, storage::PartitionIndex(i)}, totals);
      } catch (const common::Error& error) {
        wrong = error.what();
      }
      if (wrong.empty()) continue;
      well = false;
      out << "damaged: topic " << name << " partition " << i << ": " << wrong << '\n';
    }
  }
  out << (well ? "ok: " : "not ok: ") << state.topics().size() << " topics, " << totals.partitions << " partitions, "
      << totals.records << " records, " << totals.bytes << " bytes read\n";
  return well;
}

void dump_store(core::State& state, storage::Store& store, std::ostream& out) {
  out << "cluster outbox-" << store.uuid() << ", leader epoch " << store.leader_epoch() << '\n';
  for (const auto& [name, topic] : state.topics()) {
    out << "topic " << name << ", " << topic->partitions << " partitions";
    for (const auto& [key, value] : topic->config) out << ", " << key << " = " << value;
    out << '\n';
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      const auto bounds = store.bounds({topic->id, storage::PartitionIndex(i)});
      if (!bounds || bounds->end == storage::Offset(0)) continue;
      out << "  partition " << i << ": offsets " << bounds->start.value() << " to " << bounds->durable_end.value()
          << ", " << bounds->bytes << " bytes\n";
    }
  }
  for (const auto& [name, group] : state.groups()) {
    out << "group " << name << ", generation " << group.state.generation << '\n';
    for (const auto& [partition, commit] : group.offsets) {
      const auto* topic = state.find_topic(partition.topic);
      if (topic == nullptr) continue;
      const auto end = store.bounds(partition).value_or(storage::PartitionBounds{}).durable_end;
      out << "  " << topic->name << " partition " << partition.partition.value() << ": committed "
          << commit.offset.value() << " of " << end.value() << '\n';
    }
  }
  out << state.producers().size() << " idempotent producers known\n";
}

}  // namespace broker
