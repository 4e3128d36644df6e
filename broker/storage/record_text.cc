// One line a record.
#include "broker/storage/record_text.h"

#include <sstream>

namespace broker::storage {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == '"' || c == 0x7f ? '?' : c;
  return out + "\"";
}

class Writer {
 public:
  explicit Writer(const AppendPlace& place) : place_(place) {}
  [[nodiscard]] std::string text() const { return out_.str(); }

  void operator()(const TopicMade& one) {
    out_ << "topic made " << hex(one.id) << " name=" << quoted(one.name) << " partitions=" << one.partitions;
    for (const auto& [name, value] : one.config) out_ << " " << name << "=" << quoted(value);
  }
  void operator()(const TopicDeleted& one) { out_ << "topic deleted " << hex(one.id); }
  void operator()(const PartitionsAdded& one) { out_ << "partitions added " << hex(one.id) << " total=" << one.total; }
  void operator()(const ConfigSet& one) {
    out_ << "config set " << hex(one.id) << " " << one.name << "=" << (one.value ? quoted(*one.value) : "default");
  }
  void operator()(const Append& one) {
    out_ << "append " << text_of(one.partition) << " base=" << one.base.value() << " count=" << one.count
         << " bytes=" << one.bytes.size() << " segment=" << place_.segment_base.value()
         << " position=" << place_.position << " appended_at_ms=" << one.appended_at_ms
         << " max_timestamp_ms=" << one.max_timestamp_ms;
    if (one.producer.value() >= 0)
      out_ << " producer=" << one.producer.value() << " epoch=" << one.producer_epoch
           << " first_sequence=" << one.first_sequence;
  }
  void operator()(const LogStartMoved& one) {
    out_ << "log start moved " << text_of(one.partition) << " start=" << one.start.value();
  }
  void operator()(const GroupOffset& one) {
    out_ << "group offset " << quoted(one.group) << " " << text_of(one.partition) << " offset=" << one.offset.value()
         << " leader_epoch=" << one.leader_epoch << " committed_at_ms=" << one.committed_at_ms;
  }
  void operator()(const GroupState& one) {
    out_ << (one.deleted ? "group deleted " : "group state ") << quoted(one.group) << " generation=" << one.generation
         << " protocol=" << quoted(one.protocol) << " leader=" << quoted(one.leader);
  }
  void operator()(const GroupGeneration& one) {
    out_ << "group generation " << quoted(one.group) << " generation=" << one.generation
         << " phase=" << static_cast<int>(one.phase) << " protocol=" << quoted(one.protocol)
         << " leader=" << quoted(one.leader) << (one.whole ? " members=" : " changed=") << one.members.size()
         << " removed=" << one.removed.size();
  }
  void operator()(const ProducerIdBlock& one) { out_ << "producer ids taken below=" << one.next.value(); }
  void operator()(const ProducerState& one) {
    out_ << "producer state " << text_of(one.partition) << " producer=" << one.producer.value()
         << " epoch=" << one.epoch << " batches=" << one.batches.size();
    if (!one.batches.empty()) out_ << " last_sequence=" << one.batches.back().last_sequence;
  }
  void operator()(const EpochStarted& one) {
    out_ << "epoch started " << one.epoch << " partitions=" << one.starts.size();
  }
  void operator()(const ClockMark& one) { out_ << "clock mark reading_ms=" << one.reading_ms; }
  void operator()(const LossAccepted& one) {
    out_ << "loss accepted " << text_of(one.partition) << " from=" << one.from.value() << " to=" << one.to.value()
         << " at_ms=" << one.at_ms;
  }

 private:
  const AppendPlace& place_;
  std::ostringstream out_;
};

}  // namespace

std::string text_of(const PartitionRef& partition) {
  return hex(partition.topic) + "/" + std::to_string(partition.partition.value());
}

std::string text_of(const DecodedRecord& decoded) {
  Writer writer(decoded.place);
  std::visit(writer, decoded.record);
  return writer.text();
}

std::string text_of(const BatchHeader& header) {
  return "offsets " + std::to_string(header.base.value()) + " to " + std::to_string(header.end.value() - 1) +
         ", bytes=" + std::to_string(header.bytes) + " max_timestamp_ms=" + std::to_string(header.max_timestamp_ms);
}

}  // namespace broker::storage
