// The store in memory.
#include "tests/unit/broker/memory_store.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace broker_tests {

namespace storage = broker::storage;

storage::Ticket MemoryStore::submit(storage::Record record, storage::SharedBytes keep_alive) {
  submitted_ = storage::Ticket(submitted_.value() + 1);
  if (const auto* made = std::get_if<storage::TopicMade>(&record)) {
    for (std::int32_t i = 0; i < made->partitions; ++i) logs_[{made->id, storage::PartitionIndex(i)}];
  } else if (const auto* append = std::get_if<storage::Append>(&record)) {
    auto& log = logs_.at(append->partition);
    if (append->base != log.bounds.end) throw std::logic_error("an append must continue its partition");
    log.batches.push_back({append->base,
                           append->count,
                           append->max_timestamp_ms,
                           append->appended_at_ms,
                           {append->bytes.begin(), append->bytes.end()}});
    log.bounds.end = storage::Offset(append->base.value() + append->count);
    log.bounds.bytes += append->bytes.size();
  } else {
    apply_to_logs(record);
  }
  journal_.push_back(std::move(record));
  kept_.push_back(std::move(keep_alive));
  if (durable_at_once_) flush();
  return submitted_;
}

void MemoryStore::move_start(Log& log, storage::Offset start) {
  log.bounds.start = std::max(log.bounds.start, start);
  std::erase_if(log.batches, [&log](const Batch& batch) {
    const bool gone = batch.base.value() + batch.count <= log.bounds.start.value();
    if (gone) log.bounds.bytes -= batch.bytes.size();
    return gone;
  });
}

std::vector<storage::SegmentInfo> MemoryStore::segments(const storage::PartitionRef& partition) const {
  ++segments_asked_;
  std::vector<storage::SegmentInfo> segments;
  const auto found = logs_.find(partition);
  if (found == logs_.end()) return segments;
  for (const auto& batch : found->second.batches) {
    storage::SegmentInfo segment;
    segment.base = batch.base;
    segment.end = storage::Offset(batch.base.value() + batch.count);
    segment.bytes = batch.bytes.size();
    segment.last_append_ms = batch.appended_at_ms;
    segment.first_append_ms = batch.appended_at_ms;
    segments.push_back(segment);
  }
  return segments;
}

void MemoryStore::apply_to_logs(const storage::Record& record) {
  if (const auto* deleted = std::get_if<storage::TopicDeleted>(&record)) {
    std::erase_if(logs_, [&](const auto& entry) { return entry.first.topic == deleted->id; });
  } else if (const auto* added = std::get_if<storage::PartitionsAdded>(&record)) {
    for (std::int32_t i = 0; i < added->total; ++i) logs_[{added->id, storage::PartitionIndex(i)}];
  } else if (const auto* moved = std::get_if<storage::LogStartMoved>(&record)) {
    move_start(logs_.at(moved->partition), moved->start);
  }
}

void MemoryStore::flush() {
  durable_ = submitted_;
  for (auto& [partition, log] : logs_) {
    if (log.bounds.durable_end == log.bounds.end) continue;
    log.bounds.durable_end = log.bounds.end;
    advanced_.push_back(partition);
  }
}

std::optional<storage::PartitionBounds> MemoryStore::bounds(const storage::PartitionRef& partition) const {
  const auto found = logs_.find(partition);
  if (found == logs_.end()) return std::nullopt;
  return found->second.bounds;
}

storage::ReadResult MemoryStore::read(const storage::PartitionRef& partition, storage::Offset from,
                                      std::uint64_t bytes_max) {
  const auto& log = logs_.at(partition);
  storage::ReadResult result;
  for (const auto& batch : log.batches) {
    const std::int64_t end = batch.base.value() + batch.count;
    if (end <= from.value() || end > log.bounds.durable_end.value()) continue;
    if (!result.bytes.empty() && result.bytes.size() + batch.bytes.size() > bytes_max) break;
    result.bytes.insert(result.bytes.end(), batch.bytes.begin(), batch.bytes.end());
  }
  return result;
}

bool MemoryStore::in_memory(const Question& question) {
  if (!cold_.contains(question.first.partition) || answered_.erase(question) > 0) return true;
  asked_.insert(question);
  return false;
}

void MemoryStore::let_disk_answer() {
  for (const auto& question : asked_) advanced_.push_back(question.first);
  answered_.merge(asked_);
}

std::optional<storage::ReadResult> MemoryStore::try_read(const storage::PartitionRef& partition, storage::Offset from,
                                                         std::uint64_t bytes_max) {
  if (!in_memory({partition, from})) return std::nullopt;
  return read(partition, from, bytes_max);
}

std::optional<storage::FoundTime> MemoryStore::try_find_time(const storage::PartitionRef& partition,
                                                             std::int64_t timestamp_ms) {
  if (!in_memory({partition, timestamp_ms})) return std::nullopt;
  return find_time(partition, timestamp_ms);
}

storage::FoundTime MemoryStore::find_time(const storage::PartitionRef& partition, std::int64_t timestamp_ms) {
  for (const auto& batch : logs_.at(partition).batches) {
    const auto& bounds = logs_.at(partition).bounds;
    if (batch.base >= bounds.durable_end) break;
    if (batch.max_timestamp_ms < timestamp_ms) continue;
    return std::pair{std::max(batch.base, bounds.start), batch.max_timestamp_ms};
  }
  return std::nullopt;
}

namespace {

std::ostream& operator<<(std::ostream& out, const storage::TopicId& id) {
  for (const auto byte : id) out << std::hex << int{byte} << std::dec << '.';
  return out;
}
std::ostream& operator<<(std::ostream& out, const storage::PartitionRef& ref) {
  return out << ref.topic << '/' << ref.partition.value();
}

std::string text_of(const std::vector<std::byte>& bytes) {
  std::string text;
  for (const auto one : bytes) text += static_cast<char>(one);
  return text;
}

struct Writer {
  std::ostringstream out;
  void operator()(const storage::TopicMade& one) {
    out << "topic made " << one.id << ' ' << one.name << ' ' << one.partitions;
    auto config = one.config;
    std::ranges::sort(config);
    for (const auto& [key, value] : config) out << ' ' << key << '=' << value;
  }
  void operator()(const storage::TopicDeleted& one) { out << "topic deleted " << one.id; }
  void operator()(const storage::PartitionsAdded& one) { out << "partitions " << one.id << ' ' << one.total; }
  void operator()(const storage::ConfigSet& one) { out << "config " << one.name << '=' << one.value.value_or("-"); }
  void operator()(const storage::Append& one) { out << "append " << one.partition << ' ' << one.base.value(); }
  void operator()(const storage::LogStartMoved& one) { out << "start " << one.partition << ' ' << one.start.value(); }
  void operator()(const storage::GroupOffset& one) {
    out << "offset " << one.group << ' ' << one.partition << ' ' << one.offset.value() << ' ' << one.leader_epoch << ' '
        << one.metadata << ' ' << one.committed_at_ms;
  }
  void operator()(const storage::GroupState& one) {
    out << "group " << one.group << ' ' << one.generation << ' ' << one.protocol_type << ' ' << one.protocol << ' '
        << one.leader << (one.deleted ? " deleted" : "");
    for (const auto& member : one.static_members) out << ' ' << member.instance << ':' << member.member;
  }
  void operator()(const storage::GroupGeneration& one) {
    out << "generation " << one.group << ' ' << one.generation << " phase " << static_cast<int>(one.phase) << ' '
        << one.protocol_type << ' ' << one.protocol << ' ' << one.leader << (one.whole ? " whole" : " change");
    for (const auto& id : one.removed) out << " -" << id;
    for (const auto& member : one.members) {
      out << " [" << member.id << ' ' << member.instance.value_or("-") << ' ' << member.client_id << ' '
          << member.client_host << ' ' << member.session_timeout_ms << ' ' << member.rebalance_timeout_ms;
      for (const auto& protocol : member.protocols) out << ' ' << protocol.name << ':' << text_of(protocol.metadata);
      out << " = " << text_of(member.assignment) << ']';
    }
  }
  void operator()(const storage::ProducerIdBlock& one) { out << "producer ids " << one.next.value(); }
  void operator()(const storage::ProducerState& one) {
    out << "producer " << one.partition << ' ' << one.producer.value() << ' ' << one.epoch;
    for (const auto& batch : one.batches) {
      out << " [" << batch.first_sequence << '-' << batch.last_sequence << '@' << batch.base.value() << ' '
          << batch.timestamp_ms << ']';
    }
  }
  void operator()(const storage::LossAccepted& one) { out << "loss " << one.from.value() << " " << one.to.value(); }
  void operator()(const storage::ClockMark& one) { out << "clock " << one.reading_ms; }
  void operator()(const storage::EpochStarted& one) {
    out << "epoch " << one.epoch;
    for (const auto& [partition, start] : one.starts) out << ' ' << partition << '@' << start.value();
  }
};

}  // namespace

std::string to_text(const storage::Record& record) {
  Writer writer;
  std::visit(writer, record);
  return writer.out.str();
}

std::vector<std::string> to_text(const std::vector<storage::Record>& records) {
  std::vector<std::string> lines;
  lines.reserve(records.size());
  for (const auto& record : records) lines.push_back(to_text(record));
  return lines;
}

}  // namespace broker_tests
