// Random lives of a store on the simulated disk, and the comparison after each crash.
#include "tests/unit/storage/crash_model.h"

#include <algorithm>

#include "broker/storage/batch_header.h"

namespace broker::storage::test {

namespace {

const char* const kFolder = "/broker";

Model model_after(const auto& history, std::uint64_t sequence) {
  Model model;
  for (const auto& entry : history) {
    if (entry.ticket <= sequence) model.apply(entry.record, entry.bytes);
  }
  return model;
}

std::string name_of(const PartitionRef& partition) {
  return "partition " + std::to_string(partition.topic[0]) + "/" + std::to_string(partition.partition.value());
}

}  // namespace

void Model::apply(const Record& record, const SharedBytes& bytes) {
  state.apply(record);
  if (const auto* made = std::get_if<TopicMade>(&record)) {
    for (std::int32_t i = 0; i < made->partitions; ++i) logs[{made->id, PartitionIndex(i)}];
  } else if (const auto* added = std::get_if<PartitionsAdded>(&record)) {
    for (std::int32_t i = 0; i < added->total; ++i) logs[{added->id, PartitionIndex(i)}];
  } else if (const auto* deleted = std::get_if<TopicDeleted>(&record)) {
    std::erase_if(logs, [&](const auto& entry) { return entry.first.topic == deleted->id; });
  } else if (const auto* moved = std::get_if<LogStartMoved>(&record)) {
    logs[moved->partition].start = moved->start.value();
  } else if (const auto* append = std::get_if<Append>(&record)) {
    Log& log = logs[append->partition];
    log.end = append->base.value() + append->count;
    log.batches.push_back(bytes);
  }
}

CrashRun::CrashRun(std::uint64_t seed, CrashOptions options)
    : random_(seed), options_(options), disk_(seed * 7919 + 1) {
  store_options_.dir = kFolder;
  store_options_.journal_file_bytes = 64 << 10;
  store_options_.segment_bytes = 12 << 10;
  store_options_.checkpoint_bytes = 40 << 10;
  store_options_.uncheckpointed_bytes_max = 128 << 10;
  store_options_.tail_cache_bytes = 4 << 10;
  store_options_.reserve_bytes = 0;
  store_options_.open_segments_max = 3;  // fewer than there are partitions: files are flushed and closed in between
  store_options_.index_bytes_min = 2 << 10;
  // In half of the histories some files, or any, are flushed by one flush of the disk.
  if (pick(2) == 0) store_options_.flush_together_from = 1 + pick(4);
  disk_.set_cached_percent(60);
  if (options.lie_on_flush) disk_.lie_on_flush_in(store_options_.dir / "journal");
}

CrashRun::~CrashRun() = default;

void CrashRun::open() {
  store_.reset();
  fs_ = disk_.mount();
  state_ = MemoryState();
  store_ = std::make_unique<StoreImpl>(*fs_, clock_, store_options_, state_, StoreImpl::Threads::none, options_.hooks);
}

void CrashRun::crash(const char* why) {
  note_acknowledged();
  store_.reset();
  ++crashes_;
  seen_["flush of the whole disk"] = disk_.whole_flushes();
  ++seen_[why];
  if (pick(100) < 30) {
    disk_.kill();
    ++seen_["kill"];
  } else {
    disk_.power_cut();
    ++seen_["power cut"];
  }
}

// Opens the store, with crashes on the way.
std::optional<std::string> CrashRun::recover() {
  for (int attempt = 0;; ++attempt) {
    if (attempt < 4 && pick(100) < 35) disk_.crash_after(1 + pick(attempt == 0 && history_.empty() ? 60 : 30));
    if (attempt < 4 && pick(100) < 5) disk_.fail_flush_after(1 + pick(5));
    try {
      open();
      disk_.crash_after(0);
      disk_.fail_flush_after(0);
      return std::nullopt;
    } catch (const SimCrash&) {
      crash("crash inside recovery");
    } catch (const IoError&) {
      crash("failed flush inside recovery");
    } catch (const common::Error& failure) {
      return std::string("refused to start: ") + failure.what();
    }
  }
}

std::optional<std::string> CrashRun::compare_log(const PartitionRef& partition, const Model::Log& log) {
  const auto bounds = store_->bounds(partition);
  if (!bounds) return name_of(partition) + " is missing";
  if (bounds->start.value() != log.start || bounds->end.value() != log.end || bounds->durable_end.value() != log.end) {
    return name_of(partition) + " is [" + std::to_string(bounds->start.value()) + ", " +
           std::to_string(bounds->end.value()) + ") instead of [" + std::to_string(log.start) + ", " +
           std::to_string(log.end) + ")";
  }
  std::vector<std::byte> expected;
  for (const SharedBytes& batch : log.batches) {
    if (parse_batch_header(*batch)->end.value() > log.start)
      expected.insert(expected.end(), batch->begin(), batch->end());
  }
  std::vector<std::byte> found;
  Offset next(log.start);
  while (next.value() < log.end) {
    const ReadResult result = store_->read(partition, next, 1 + pick(8000));
    if (result.bytes.empty()) return name_of(partition) + " gives nothing at " + std::to_string(next.value());
    found.insert(found.end(), result.bytes.begin(), result.bytes.end());
    for (std::size_t at = 0; at < result.bytes.size();) {
      const auto header = parse_batch_header(ConstBuffer(result.bytes).subspan(at));
      next = header->end;
      at += header->bytes;
    }
  }
  if (found != expected) return name_of(partition) + " has other bytes than were acknowledged";
  return std::nullopt;
}

// Nothing lies there that nobody knows, and nothing past the end.
std::optional<std::string> CrashRun::compare_files() {
  std::uint64_t found = 0;
  const std::filesystem::path data = store_options_.dir / "data";
  for (const DirectoryEntry& topic : fs_->list(data)) {
    for (const DirectoryEntry& partition : fs_->list(data / topic.name)) {
      for (const DirectoryEntry& file : fs_->list(data / topic.name / partition.name)) {
        const std::filesystem::path path = data / topic.name / partition.name / file.name;
        if (path.extension() == ".index") {
          if (fs_->size_of(std::filesystem::path(path).replace_extension(".log")) < 0)
            return path.string() + " lies there without its segment";
          continue;
        }
        found += static_cast<std::uint64_t>(fs_->size_of(path));
      }
    }
  }
  std::uint64_t known = 0;
  for (const auto& [id, topic] : state_.topics) {
    for (std::int32_t i = 0; i < topic.partitions; ++i) known += store_->bounds({id, PartitionIndex(i)})->bytes;
  }
  if (found == known) return std::nullopt;
  return "the segments' files have " + std::to_string(found) + " bytes instead of " + std::to_string(known);
}

std::optional<std::string> CrashRun::compare() {
  const std::uint64_t frame = store_->durable().value();
  if (frame < acknowledged_)
    return "frame " + std::to_string(acknowledged_) + " was acknowledged, the journal ends at " + std::to_string(frame);
  if (frame > highest_)
    return "the journal ends at " + std::to_string(frame) + ", nothing after " + std::to_string(highest_) +
           " was written";
  const Model model = model_after(history_, frame);
  if (!state_.same_as(model.state)) return "topics, offsets or producers differ after frame " + std::to_string(frame);
  try {
    for (const auto& [partition, log] : model.logs) {
      if (auto wrong = compare_log(partition, log)) return wrong;
    }
    if (auto wrong = compare_files()) return wrong;
  } catch (const common::Error& failure) {
    return std::string("cannot be read: ") + failure.what();
  }
  std::erase_if(history_, [frame](const Submitted& entry) { return entry.ticket > frame; });
  highest_ = acknowledged_ = frame;
  return std::nullopt;
}

void CrashRun::note_acknowledged() {
  if (!store_) return;
  acknowledged_ = std::max(acknowledged_, store_->durable().value());
}

void CrashRun::submit(const Record& record, const SharedBytes& bytes) {
  state_.apply(record);
  const std::uint64_t ticket = store_->submit(record, bytes).value();
  Submitted entry{ticket, record, bytes};
  history_.push_back(std::move(entry));
  highest_ = std::max(highest_, ticket + 1);  // a mark may follow
}

void CrashRun::submit_append() {
  if (state_.topics.empty()) return;
  const PartitionRef partition = any_partition();
  const auto bounds = store_->bounds(partition);
  const auto count = static_cast<std::int32_t>(1 + pick(5));
  std::string payload(pick(10) == 0 ? pick(9000) : pick(700), '\0');
  for (char& c : payload) c = static_cast<char>(random_());
  const SharedBytes bytes = make_batch(bounds->end, count, static_cast<std::int64_t>(pick(100'000)), payload);
  Append append = make_append(partition, bounds->end, count, 5, bytes);
  if (pick(2) == 0) {
    append.producer = ProducerId(static_cast<std::int64_t>(pick(3)));
    append.producer_epoch = 1;
    append.first_sequence = static_cast<std::int32_t>(pick(1000));
  }
  if (pick(4) != 0) (void)store_->make_room(partition, bytes->size());
  submit(append, bytes);
}

void CrashRun::submit_state() {
  const std::uint64_t kind = pick(15);
  if (state_.topics.empty() || (kind == 0 && state_.topics.size() < 4)) {
    submit(TopicMade{topic_id(next_topic_++), "t", static_cast<std::int32_t>(1 + pick(3)), {{"k", "v"}}});
    return;
  }
  const PartitionRef partition{state_.topics.begin()->first, PartitionIndex(0)};
  if (kind == 1) {
    ++seen_["topic deleted"];
    submit(TopicDeleted{partition.topic});
  } else if (kind <= 4) {
    submit_log_start();
  } else if (kind == 5) {
    const TopicMade& topic = state_.topics.begin()->second;
    if (topic.partitions >= 6) return;
    ++seen_["partitions added"];
    submit(PartitionsAdded{topic.id, topic.partitions + 1});
  } else if (kind == 6) {
    submit(ConfigSet{partition.topic, "name", pick(2) == 0 ? std::nullopt : std::optional<std::string>("value")});
  } else if (kind <= 8) {
    GroupState group;
    group.group = "group-" + std::to_string(pick(3));
    group.generation = static_cast<std::int32_t>(pick(100));
    group.protocol = "range";
    group.deleted = pick(4) == 0;
    ++seen_[group.deleted ? "group deleted" : "group changed"];
    submit(group);
  } else if (kind == 9) {
    ++seen_["rolled"];
    store_->roll(any_partition());
  } else {
    GroupOffset offset;
    offset.group = "group-" + std::to_string(pick(3));
    offset.partition = partition;
    offset.offset = Offset(static_cast<std::int64_t>(pick(1000)));
    submit(offset);
  }
}

PartitionRef CrashRun::any_partition() {
  const auto topic = std::next(state_.topics.begin(), static_cast<std::ptrdiff_t>(pick(state_.topics.size())));
  const auto partitions = static_cast<std::uint64_t>(topic->second.partitions);
  return {topic->first, PartitionIndex(static_cast<std::int32_t>(pick(partitions)))};
}

// As retention does: never past what is durable, now and then to the very end.
void CrashRun::submit_log_start() {
  const PartitionRef partition = any_partition();
  const PartitionBounds bounds = *store_->bounds(partition);
  const auto held = static_cast<std::uint64_t>(bounds.durable_end.value() - bounds.start.value());
  if (held == 0) return;
  const std::uint64_t by = pick(3) == 0 ? held : pick(held + 1);
  const Offset start(bounds.start.value() + static_cast<std::int64_t>(by));
  if (start == bounds.end) ++seen_["start moved to the end"];
  submit(LogStartMoved{partition, start});
}

// As a Fetch does: what is not in memory is fetched meanwhile, and asked for again.
std::optional<ReadResult> CrashRun::read_without_waiting(const PartitionRef& partition, Offset from,
                                                         std::uint64_t bytes_max) {
  for (int i = 0; i < 5; ++i) {
    auto result = store_->try_read(partition, from, bytes_max);
    if (result) return result;
    ++seen_["cold read"];
    while (store_->run_cold_read()) {
    }
  }
  return std::nullopt;
}

// Nothing undurable is shown, and what is shown is what was submitted.
std::optional<std::string> CrashRun::compare_reads() {
  const Model model = model_after(history_, store_->durable().value());
  for (const auto& [partition, log] : model.logs) {
    const auto bounds = store_->bounds(partition);
    if (!bounds) continue;  // deleted, the deletion is not durable yet
    if (bounds->durable_end.value() != log.end)
      return name_of(partition) + " shows up to " + std::to_string(bounds->durable_end.value()) + ", durable is " +
             std::to_string(log.end);
    if (bounds->start.value() >= log.end) continue;
    const Offset from(bounds->start.value() +
                      static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(log.end - bounds->start.value()))));
    const auto result = read_without_waiting(partition, from, 1 + pick(5000));
    if (!result) return name_of(partition) + " is fetched for ever at " + std::to_string(from.value());
    const auto batch = std::ranges::find_if(
        log.batches, [&](const SharedBytes& bytes) { return parse_batch_header(*bytes)->end > from; });
    if (result->bytes.size() < (*batch)->size() ||
        !std::equal((*batch)->begin(), (*batch)->end(), result->bytes.begin())) {
      return name_of(partition) + " shows other bytes at " + std::to_string(from.value());
    }
  }
  return std::nullopt;
}

void CrashRun::step() {
  const std::uint64_t kind = pick(100);
  if (kind < 45) {
    submit_append();
  } else if (kind < 55) {
    submit_state();
  } else if (kind < 80) {
    if (store_->run_one_round() == RoundOutcome::wrote) ++seen_["round"];
  } else if (kind < 84) {
    if (store_->write_mark() == RoundOutcome::wrote) ++seen_["mark"];
  } else if (kind < 88) {
    store_->maybe_checkpoint();
  } else if (kind < 90) {
    clock_.now += store_options_.checkpoint_interval;
  } else if (kind < 97) {
    if (store_->run_background()) ++seen_["background"];
  } else if (!wrong_ && !store_->poisoned()) {
    if (auto wrong = compare_reads()) wrong_ = "while it runs: " + *wrong;
  }
  note_acknowledged();
}

void CrashRun::work(int steps) {
  for (int i = 0; i < steps && !store_->poisoned(); ++i) step();
  if (store_->poisoned()) {
    crash("failed flush");
  } else if (pick(100) < 8) {
    store_->close();
    crash("clean stop");
  } else {
    crash("crash between calls");
  }
}

std::optional<std::string> CrashRun::live_once() {
  disk_.set_whole_flush_fails(5);
  if (auto wrong = recover()) return wrong;
  if (auto wrong = compare()) return wrong;
  if (pick(100) < 20) {
    crash("crash right after recovery");
    if (auto wrong = recover()) return "second recovery: " + *wrong;
    if (auto wrong = compare()) return "second recovery: " + *wrong;
  }
  if (pick(100) < 75) disk_.crash_after(1 + pick(90));
  if (pick(100) < 10) disk_.fail_flush_after(1 + pick(12));
  try {
    work(static_cast<int>(1 + pick(static_cast<std::uint64_t>(options_.work_max))));
  } catch (const SimCrash&) {
    crash("crash inside a call");
  }
  return wrong_;
}

bool CrashRun::first_start_killed_at(std::uint64_t call, std::optional<std::string>& wrong) {
  bool killed = false;
  disk_.crash_after(call);
  try {
    open();
    while (store_->run_background()) {
    }
  } catch (const SimCrash&) {
    killed = true;
  }
  store_.reset();
  disk_.kill();
  try {
    open();
    submit_state();
    // No background work: nothing else flushes the folders before the power goes.
    for (int i = 0; i < 100; ++i) {
      submit_append();
      if (store_->run_one_round() != RoundOutcome::wrote) break;
      note_acknowledged();
    }
    store_.reset();
    ++crashes_;
    disk_.power_cut();
    open();
    wrong = compare();
  } catch (const common::Error& failure) {
    wrong = std::string("refused to start: ") + failure.what();
  }
  return killed;
}

}  // namespace broker::storage::test
