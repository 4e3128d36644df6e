// Descriptors of segment files: opened when needed, closed when too many, made with their folders.
#include "broker/storage/segment_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "broker/storage/record_codec.h"
#include "common/ensure.h"

namespace broker::storage {

std::filesystem::path SegmentFiles::folder_of(const PartitionRef& partition) const {
  return folder_ / hex(partition.topic) / std::to_string(partition.partition.value());
}

std::shared_ptr<SegmentFile> SegmentFiles::at(const PartitionRef& partition, Offset base) const {
  return std::make_shared<SegmentFile>(folder_of(partition) /
                                       (twenty_digits(static_cast<std::uint64_t>(base.value())) + ".log"));
}

void SegmentFiles::close_least_used(std::size_t keep, bool dirty_too) {
  std::ranges::sort(open_, std::greater(), [](const auto& segment) { return segment->last_use; });
  std::vector<std::shared_ptr<SegmentFile>> kept;
  for (auto& segment : open_) {
    if (kept.size() < keep || (segment->dirty && !dirty_too)) {
      kept.push_back(std::move(segment));
    } else {
      segment->open.reset();
    }
  }
  open_ = std::move(kept);
}

std::unique_ptr<File> SegmentFiles::open_retrying(const std::filesystem::path& path, OpenMode mode) {
  try {
    return fs_.open(path, mode);
  } catch (const IoError& failure) {
    if (failure.error_number() != EMFILE && failure.error_number() != ENFILE) throw;
  }
  close_least_used(open_.size() / 2, true);
  return fs_.open(path, mode);
}

std::unique_ptr<File> SegmentFiles::create(const std::filesystem::path& path) {
  auto file = open_retrying(path, OpenMode::write_create);
  const std::filesystem::path partition = path.parent_path();
  if (!file) {
    const std::filesystem::path topic = partition.parent_path();
    if (fs_.make_directory(topic)) dirty_folders_.insert(folder_);
    if (fs_.make_directory(partition)) dirty_folders_.insert(topic);
    file = open_retrying(path, OpenMode::write_create);
  }
  if (!file) throw IoError("create", path, ENOENT);
  dirty_folders_.insert(partition);
  return file;
}

// Under mutex_.
std::shared_ptr<File> SegmentFiles::descriptor(const std::shared_ptr<SegmentFile>& segment, Missing missing) {
  segment->last_use = ++uses_;
  if (segment->open) return segment->open;
  if (open_.size() >= open_max_) close_least_used(open_max_ * 3 / 4, false);
  std::unique_ptr<File> file;
  if (segment->exists || missing == Missing::fail) file = open_retrying(segment->path, OpenMode::write_existing);
  if (!file && missing == Missing::create && !segment->removed) file = create(segment->path);
  if (!file) throw IoError("open", segment->path, ENOENT);
  segment->exists = true;
  segment->open = std::move(file);
  open_.push_back(segment);
  return segment->open;
}

void SegmentFiles::distrust_folders(bool distrust) {
  const std::scoped_lock lock(mutex_);
  distrust_folders_ = distrust;
}

void SegmentFiles::mark_dirty(const std::shared_ptr<SegmentFile>& segment) {
  if (distrust_folders_) {
    const std::filesystem::path partition = segment->path.parent_path();
    dirty_folders_.insert({partition, partition.parent_path(), folder_});
  }
  if (std::exchange(segment->dirty, true)) return;
  dirty_.push_back(segment);
}

void SegmentFiles::write(const std::shared_ptr<SegmentFile>& segment, std::span<const ConstBuffer> buffers,
                         std::uint64_t position) {
  std::shared_ptr<File> file;
  {
    const std::scoped_lock lock(mutex_);
    file = descriptor(segment, Missing::create);
    // Before the write: a flush that runs meanwhile takes it off the list, and what it misses belongs to a later frame.
    mark_dirty(segment);
  }
  file->pwritev(buffers, position);
}

Reservation SegmentFiles::reserve(const std::shared_ptr<SegmentFile>& segment, std::uint64_t offset,
                                  std::uint64_t length) {
  std::shared_ptr<File> file;
  {
    const std::scoped_lock lock(mutex_);
    try {
      file = descriptor(segment, Missing::create);
    } catch (const IoError& failure) {
      if (failure.error_number() == ENOSPC || failure.error_number() == EDQUOT) return Reservation::no_room;
      throw;
    }
  }
  return file->reserve(offset, length);
}

std::size_t SegmentFiles::read(const std::shared_ptr<SegmentFile>& segment, std::span<std::byte> into,
                               std::uint64_t position) {
  std::shared_ptr<File> file;
  {
    const std::scoped_lock lock(mutex_);
    file = descriptor(segment, Missing::fail);
  }
  return file->pread(into, position);
}

void SegmentFiles::truncate(const std::shared_ptr<SegmentFile>& segment, std::uint64_t size) {
  std::shared_ptr<File> file;
  {
    const std::scoped_lock lock(mutex_);
    file = descriptor(segment, Missing::fail);
    mark_dirty(segment);
  }
  file->truncate(size);
}

void SegmentFiles::flush_dirty() {
  std::vector<std::shared_ptr<SegmentFile>> segments;
  std::set<std::filesystem::path> folders;
  {
    const std::scoped_lock lock(mutex_);
    segments = std::exchange(dirty_, {});
    folders = std::exchange(dirty_folders_, {});
    for (const auto& segment : segments) segment->dirty = false;
  }
  for (const auto& segment : segments) {
    std::shared_ptr<File> file;
    {
      const std::scoped_lock lock(mutex_);
      if (segment->removed) continue;
      file = descriptor(segment, Missing::fail);
    }
    file->fdatasync();
  }
  for (const auto& folder : folders) fs_.sync_directory(folder);
}

void SegmentFiles::remove(const std::shared_ptr<SegmentFile>& segment) {
  const std::scoped_lock lock(mutex_);
  segment->removed = true;
  segment->open.reset();
  std::erase(open_, segment);
  fs_.remove(segment->path);
}

void SegmentFiles::remove_topic(const TopicId& topic) {
  const std::filesystem::path top = folder_ / hex(topic);
  const std::scoped_lock lock(mutex_);
  for (const DirectoryEntry& partition : fs_.list(top)) {
    for (const DirectoryEntry& file : fs_.list(top / partition.name)) fs_.remove(top / partition.name / file.name);
    dirty_folders_.erase(top / partition.name);
    if (partition.directory) fs_.remove_directory(top / partition.name);
  }
  dirty_folders_.erase(top);
  fs_.remove_directory(top);
}

}  // namespace broker::storage
