// A journal is recovered, again after a power cut, once more with a crash inside the recovery, and read offline. All
// say the same: what state there is, or in which words the start is refused. One damage: found wherever it lies, unless
// it is the last frame's, which is cut as a torn tail is.
#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "broker/core/state.h"
#include "broker/storage/batch_header.h"
#include "broker/storage/dump.h"
#include "broker/storage/offline.h"
#include "broker/storage/store_impl.h"
#include "common/log.h"
#include "tests/fuzz/journal_script.h"
#include "tests/unit/broker/memory_store.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace fuzz {
namespace {

using storage::test::SimDisk;
const char* const kFolder = "/broker";

storage::StoreOptions store_options() {
  storage::StoreOptions options;
  options.dir = kFolder;
  options.journal_file_bytes = kJournalFileBytes;
  options.segment_bytes = 16 << 10;
  options.reserve_bytes = 0;
  options.index_bytes_min = 4 << 10;
  return options;
}

// An empty folder, and what a journal behind it must continue.
struct Ground {
  SimDisk disk{1};
  storage::Superblock superblock;
  storage::JournalPosition position;

  Ground() {
    const auto fs = disk.mount();
    const storage::test::ManualClock clock;
    broker::core::State state;
    const auto options = store_options();
    (void)storage::StoreImpl(*fs, clock, options, state, storage::StoreImpl::Threads::none, {});
    superblock = storage::read_superblock(*fs, kFolder).value();
    position = storage::read_newest_checkpoint(*fs, kFolder, superblock).value().position;
  }

  void write(const JournalScript& script, bool damaged) {
    const auto fs = disk.mount();
    for (std::size_t i = 0; i < script.files().size(); ++i) {
      const auto file = fs->open(path(i), storage::OpenMode::write_create);
      file->truncate(0);
      file->pwrite(script.files()[i], 0);
      file->fsync();
    }
    fs->sync_directory(std::filesystem::path(kFolder) / "journal");
    for (const Damage& damage : script.damage()) {
      const auto inode = damaged ? disk.inode(path(damage.file)) : nullptr;
      if (!inode) continue;
      inode->now.at(damage.at) ^= damage.change;
      inode->durable.at(damage.at) ^= damage.change;
    }
  }
  static std::filesystem::path path(std::size_t file) {
    return std::filesystem::path(kFolder) / "journal" / ("0" + std::to_string(file));
  }
};

struct Outcome {
  bool refused = false;
  std::string text;  // the refusal, or all that there is
  bool operator==(const Outcome&) const = default;
};

std::string read_all(storage::StoreImpl& store, const storage::PartitionRef& partition) {
  const auto bounds = store.bounds(partition);
  check(bounds.has_value(), "a partition of a topic is missing");
  check(bounds->durable_end == bounds->end, "recovered, and yet not durable");
  std::uint32_t crc = 0;
  storage::Offset next = bounds->start;
  try {
    while (next < bounds->end) {
      const auto read = store.read(partition, next, 4096);
      if (read.bytes.empty()) break;
      crc = common::crc32c(read.bytes, crc);
      const storage::Offset before = next;
      for (std::size_t at = 0; at < read.bytes.size();) {
        const auto header = storage::parse_batch_header(storage::ConstBuffer(read.bytes).subspan(at));
        check(header.has_value(), "something was read that is no batch");
        next = header->end;
        at += header->bytes;
      }
      check(next > before, "reading does not get on");
    }
  } catch (const common::Error& failure) {
    return failure.what();
  }
  return std::to_string(bounds->start.value()) + " to " + std::to_string(bounds->end.value()) + ", crc " +
         std::to_string(crc);
}

std::string everything(broker::core::State& state, storage::StoreImpl& store) {
  std::string text;
  for (const auto& record : state.snapshot()) {
    // Each start counts as an unclean one.
    if (!std::holds_alternative<storage::EpochStarted>(record)) text += broker_tests::to_text(record) + "\n";
  }
  for (const auto& [name, topic] : state.topics()) {
    for (std::int32_t i = 0; i < topic->partitions; ++i)
      text += name + "/" + std::to_string(i) + ": " + read_all(store, {topic->id, storage::PartitionIndex(i)}) + "\n";
  }
  return text;
}

// Throws SimCrash where the disk does.
Outcome recover(SimDisk& disk) {
  const auto fs = disk.mount();
  const storage::test::ManualClock clock;
  const auto options = store_options();
  broker::core::State state;
  std::optional<storage::StoreImpl> store;
  try {
    store.emplace(*fs, clock, options, state, storage::StoreImpl::Threads::none, storage::StoreHooks{});
  } catch (const common::Error& failure) {
    const bool code =
        failure.exit_code() == common::ExitCode::disk_failed || failure.exit_code() == common::ExitCode::configuration;
    const std::string text = failure.what();
    check(code && text.find(kFolder) != std::string::npos, "refused without naming a file: " + text);
    return {true, text};
  }
  disk.crash_after(0);
  return {false, everything(state, *store)};
}

Outcome crashed_recovery(const JournalScript& script) {
  Ground ground;
  ground.write(script, true);
  ground.disk.crash_after(script.crash_at());
  try {
    return recover(ground.disk);
  } catch (const storage::test::SimCrash&) {
    script.power_cut() ? ground.disk.power_cut() : ground.disk.kill();
  }
  return recover(ground.disk);
}

void check_offline(const JournalScript& script, const Outcome& outcome) {
  Ground ground;
  ground.write(script, true);
  const auto fs = ground.disk.mount();
  broker::core::State state;
  storage::OfflineFolder folder(*fs, kFolder, state);
  if (outcome.refused)
    check(!folder.findings().empty(), "refused, but an offline check finds nothing: " + outcome.text);
  (void)folder.check_segments();
  std::ostringstream dumped;
  for (std::size_t i = 0; i < script.files().size(); ++i)
    storage::dump_journal_file(*fs, Ground::path(i), ground.superblock, {}, dumped);
}

void check_one_damage(Bytes input, const Ground& ground, const JournalScript& script, const Outcome& outcome) {
  const Damage& damage = script.damage().front();
  const auto& frames = script.frames();
  Ground intact;
  intact.write(script, false);
  const Outcome whole = recover(intact.disk);
  if (whole.refused || damage.change == std::byte{0}) return;
  const bool header = damage.at < storage::kHeaderBytes &&
                      std::ranges::any_of(frames, [&](const Place& frame) { return frame.file == damage.file; });
  const auto hit = std::ranges::find_if(frames, [&](const Place& frame) { return frame.holds(damage); });
  if (header || (hit != frames.end() && hit + 1 != frames.end())) {
    check(outcome.refused, "an acknowledged frame is damaged, and the start was not refused");
  } else if (hit == frames.end()) {
    check(outcome == whole, "damage where nothing lies made a difference");
  } else {
    const JournalScript shorter(input, ground.superblock, ground.position, frames.size() - 1);
    Ground cut;
    cut.write(shorter, false);
    check(outcome == recover(cut.disk), "a torn last frame left something else than the state before it");
  }
}

}  // namespace

void fuzz_journal(Bytes input) {
  static const bool quiet = [] {
    common::log::configure(common::log::Level::error, common::log::Format::text);
    return true;
  }();
  (void)quiet;
  Ground ground;
  const JournalScript script(input, ground.superblock, ground.position, SIZE_MAX);
  ground.write(script, true);
  const Outcome first = recover(ground.disk);
  ground.disk.power_cut();
  const Outcome second = recover(ground.disk);
  check(first == second, "recovered twice, and not the same: " + first.text + "\n---\n" + second.text);
  const Outcome third = crashed_recovery(script);
  check(first == third, "another state after a crash inside the recovery: " + first.text + "\n---\n" + third.text);
  check_offline(script, first);
  if (script.damage().size() == 1) check_one_damage(input, ground, script, first);
}

}  // namespace fuzz
