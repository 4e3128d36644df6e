// What the storage found, told with the topics' names.
#include "broker/inspect.h"

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "broker/core/state.h"
#include "broker/storage/journal_files.h"
#include "broker/storage/offline.h"
#include "broker/storage/record_text.h"

namespace broker {
namespace {

std::string name_of(core::State& state, const storage::PartitionRef& partition) {
  const auto* topic = state.find_topic(partition.topic);
  if (topic == nullptr) return storage::text_of(partition);
  return "topic " + topic->name + " partition " + std::to_string(partition.partition.value());
}

void print_losses(core::State& state, const storage::OfflineFolder& folder, std::ostream& out) {
  for (const auto& loss : folder.losses()) {
    out << "loss accepted: " << name_of(state, loss.partition) << ", offsets " << loss.from.value() << " to "
        << loss.to.value() - 1 << ", at " << loss.at_ms << " ms since 1970\n";
  }
}

void print_topics(core::State& state, const storage::OfflineFolder& folder, std::ostream& out) {
  for (const auto& [name, topic] : state.topics()) {
    out << "topic " << name << ", " << topic->partitions << " partitions";
    for (const auto& [key, value] : topic->config) out << ", " << key << " = " << value;
    out << '\n';
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      const auto bounds = folder.bounds({topic->id, storage::PartitionIndex(i)});
      if (!bounds || bounds->end == storage::Offset(0)) continue;
      out << "  partition " << i << ": offsets " << bounds->start.value() << " to " << bounds->end.value() << ", "
          << bounds->bytes << " bytes\n";
    }
  }
}

void print_groups(core::State& state, const storage::OfflineFolder& folder, std::ostream& out) {
  for (const auto& [name, group] : state.groups()) {
    out << "group " << name << ", generation " << group.state.generation << '\n';
    for (const auto& [partition, commit] : group.offsets) {
      const auto end = folder.bounds(partition).value_or(storage::PartitionBounds{}).end;
      out << "  " << name_of(state, partition) << ": committed " << commit.offset.value() << " of " << end.value()
          << '\n';
    }
  }
  out << state.producers().size() << " idempotent producers known\n";
}

}  // namespace

bool check_folder(storage::FileSystem& files, const std::filesystem::path& path, std::ostream& out) {
  core::State state;
  storage::OfflineFolder folder(files, path, state);
  const auto totals = folder.check_segments();
  for (const auto& finding : folder.findings()) {
    out << "damaged: ";
    if (finding.partition) out << name_of(state, *finding.partition) << ": ";
    out << finding.text;
    if (finding.partition) {
      const auto* topic = state.find_topic(finding.partition->topic);
      out << "; restore the file from a copy, or give these offsets up: run --accept-loss "
          << (topic != nullptr ? topic->name + "/" + std::to_string(finding.partition->partition.value())
                               : storage::text_of(*finding.partition));
    }
    out << '\n';
  }
  print_losses(state, folder, out);
  const bool well = folder.findings().empty();
  out << (well ? "ok: " : "not ok: ") << state.topics().size() << " topics, " << state.partition_count()
      << " partitions, " << totals.records << " records, " << totals.bytes << " bytes read\n";
  return well;
}

void dump_path(storage::FileSystem& files, const std::filesystem::path& path, const storage::DumpRange& range,
               std::ostream& out) {
  if (!std::filesystem::is_directory(path)) return storage::dump_file(files, path, range, out);
  core::State state;
  const storage::OfflineFolder folder(files, path, state);
  for (const auto& finding : folder.findings()) out << "damaged: " << finding.text << '\n';
  if (!folder.superblock()) return;
  out << "cluster outbox-" << storage::hex(folder.superblock()->uuid) << ", format " << folder.superblock()->format
      << '\n';
  print_topics(state, folder, out);
  print_groups(state, folder, out);
  print_losses(state, folder, out);
  if (folder.checkpoint()) storage::dump_checkpoint(*folder.checkpoint(), range, out);
  auto journal = storage::open_journal_to_read(files, path / "journal", *folder.superblock());
  std::ranges::sort(journal, {}, [](const auto& file) { return file->generation; });
  for (const auto& file : journal) {
    if (file->generation > 0 || file->damaged)
      storage::dump_journal_file(files, file->path, *folder.superblock(), range, out);
  }
}

}  // namespace broker
