// What is whole of a damaged partition becomes its segments. Order: copies and new files first, each durable; the old
// files are cut or removed only when a checkpoint knows the new ones.
#include "broker/storage/accept_loss.h"

#include <algorithm>

#include "broker/storage/record_codec.h"
#include "broker/storage/segment_scan.h"
#include "common/log.h"

namespace broker::storage {

namespace {

constexpr std::uint64_t kCopyBytes = 1ULL << 20;

// Durable when it returns; the folder's entry too.
void copy_durably(FileSystem& fs, File& from, std::uint64_t position, std::uint64_t bytes,
                  const std::filesystem::path& to) {
  const std::filesystem::path temporary = to.string() + ".tmp";
  fs.remove(temporary);
  {
    const auto file = fs.open(temporary, OpenMode::create_new);
    if (!file) throw IoError("create", temporary, ENOENT);
    std::vector<std::byte> buffer(std::min(kCopyBytes, bytes));
    for (std::uint64_t done = 0; done < bytes;) {
      const std::size_t got =
          from.pread(std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - done)), position + done);
      if (got == 0) break;
      file->pwrite(ConstBuffer(buffer).first(got), done);
      done += got;
    }
    file->fsync();
  }
  fs.rename(temporary, to);
  fs.sync_directory(to.parent_path());
}

void log_damage(const PartitionRef& partition, const std::filesystem::path& path, const SegmentDamage& damage) {
  common::log::error("loss accepted",
                     {{"partition", hex(partition.topic) + "/" + std::to_string(partition.partition.value())},
                      {"file", path.string()},
                      {"byte", damage.position},
                      {"reason", damage.what},
                      {"lost_from", damage.from.value()},
                      {"lost_to", damage.to.value()}});
}

}  // namespace

AcceptedLoss accept_loss(SegmentFiles& files, const Superblock& superblock, PartitionMark& mark, std::int64_t now_ms) {
  AcceptedLoss loss;
  FileSystem& fs = files.file_system();
  std::vector<SegmentMark> left;
  for (const SegmentMark& segment : mark.segments) {
    const std::filesystem::path path = files.at(mark.partition, segment.base)->path;
    const auto file = fs.open(path, OpenMode::read_existing);
    const auto index = read_index(fs, path, {mark.partition, segment.base}, segment.bytes, superblock);
    const SegmentScan scan = scan_segment(file.get(), segment, index ? &*index : nullptr);
    if (scan.damages.empty()) {
      left.push_back(segment);
      continue;
    }
    for (const SegmentDamage& damage : scan.damages) {
      log_damage(mark.partition, path, damage);
      loss.lost.push_back({mark.partition, damage.from, damage.to, now_ms});
    }
    if (file) {
      const std::filesystem::path kept = path.string() + ".damaged";
      copy_durably(fs, *file, 0, file->size(), kept);
      common::log::warn("the damaged file is kept", {{"file", kept.string()}});
    }
    fs.remove(index_path(path));
    for (const WholeRun& run : scan.runs) {
      // The first one stays where it is and is cut when the checkpoint is there.
      if (run.position > 0)
        copy_durably(fs, *file, run.position, run.mark.bytes, files.at(mark.partition, run.mark.base)->path);
      left.push_back(run.mark);
    }
    loss.last_segment_split = segment.base == mark.segments.back().base;
  }
  mark.segments = std::move(left);
  return loss;
}

}  // namespace broker::storage
