// Descriptors of segment files: opened when needed, the least used closed when too many, made with their folders.
#include "broker/storage/segment_files.h"

#include <algorithm>
#include <cerrno>

#include "broker/storage/record_codec.h"
#include "broker/storage/segment_index.h"

namespace broker::storage {

namespace {
constexpr std::size_t kFlushAtOnce = 256;  // of dirty files that must be closed: the first flush pays for the others
constexpr std::size_t kWritebackFirstFrom = 64;
constexpr std::uint64_t kWritebackBytes = 1ULL << 20;
constexpr std::size_t kWritebackWaiting = 4096;  // beyond that the checkpoint's flush does it
}  // namespace

std::filesystem::path SegmentFiles::folder_of(const PartitionRef& partition) const {
  return folder_ / hex(partition.topic) / std::to_string(partition.partition.value());
}

std::shared_ptr<SegmentFile> SegmentFiles::at(const PartitionRef& partition, Offset base) const {
  return std::make_shared<SegmentFile>(folder_of(partition) /
                                       (twenty_digits(static_cast<std::uint64_t>(base.value())) + ".log"));
}

// Under mutex_.
void SegmentFiles::close(const std::shared_ptr<SegmentFile>& segment) {
  auto& list = segment->dirty ? dirty_ : clean_;
  segment->open.reset();
  segment->dirty = false;
  list.erase(segment->place);  // last: the list may hold what is passed in
}

// Until at most `keep` are open. The lock is given up while files are flushed.
void SegmentFiles::close_some(Lock& lock, std::size_t keep, Full full) {
  while (clean_.size() + dirty_.size() > keep) {
    if (!clean_.empty()) {
      close(clean_.back());
      continue;
    }
    if (full == Full::exceed) return;
    // All of them at the price of one, or else those that are to be closed.
    std::vector<std::shared_ptr<SegmentFile>> segments(dirty_.begin(), dirty_.end());
    lock.unlock();
    if (segments.size() < together_from_ || !flush_together(segments)) {
      const std::size_t count = std::min(kFlushAtOnce, segments.size() / 4 + 1);
      segments.erase(segments.begin(), segments.end() - static_cast<std::ptrdiff_t>(count));
      flush_each(segments);
    }
    lock.lock();
  }
}

std::unique_ptr<File> SegmentFiles::open_retrying(const std::filesystem::path& path, OpenMode mode) {
  try {
    return fs_.open(path, mode);
  } catch (const IoError& failure) {
    if (failure.error_number() != EMFILE && failure.error_number() != ENFILE) throw;
  }
  // There are fewer descriptors than we were told: what is open now is too many, also later.
  Lock lock(mutex_);
  open_max_ = std::max<std::size_t>(1, (clean_.size() + dirty_.size()) / 2);
  close_some(lock, open_max_, Full::flush);
  lock.unlock();
  return fs_.open(path, mode);
}

std::unique_ptr<File> SegmentFiles::create(const std::filesystem::path& path) {
  const std::filesystem::path partition = path.parent_path();
  std::vector<std::filesystem::path> changed{partition};
  auto file = open_retrying(path, OpenMode::write_create);
  if (!file) {
    const std::filesystem::path topic = partition.parent_path();
    if (fs_.make_directory(topic)) changed.push_back(folder_);
    if (fs_.make_directory(partition)) changed.push_back(topic);
    file = open_retrying(path, OpenMode::write_create);
  }
  if (!file) throw IoError("create", path, ENOENT);
  const std::scoped_lock lock(mutex_);
  dirty_folders_.insert(changed.begin(), changed.end());
  return file;
}

// Opens without the lock, so that a slow disk holds up nobody who needs another file.
std::shared_ptr<File> SegmentFiles::descriptor(Lock& lock, const std::shared_ptr<SegmentFile>& segment, Missing missing,
                                               Full full) {
  if (!segment->open) {
    close_some(lock, open_max_ - 1, full);
    const bool look = segment->exists || missing == Missing::fail;
    const bool make = missing == Missing::create && !segment->removed;
    lock.unlock();
    std::unique_ptr<File> file;
    if (look) file = open_retrying(segment->path, OpenMode::write_existing);
    if (!file && make) file = create(segment->path);
    if (!file) throw IoError("open", segment->path, ENOENT);
    lock.lock();
    if (!segment->open) {
      segment->exists = true;
      segment->open = std::move(file);
      clean_.push_front(segment);
      segment->place = clean_.begin();
    }
  }
  auto& list = segment->dirty ? dirty_ : clean_;
  list.splice(list.begin(), list, segment->place);
  return segment->open;
}

void SegmentFiles::distrust_folders(bool distrust) {
  const std::scoped_lock lock(mutex_);
  distrust_folders_ = distrust;
}

// Under mutex_, before the bytes are written: a flush that runs meanwhile must leave the file dirty.
void SegmentFiles::begin_write(const std::shared_ptr<SegmentFile>& segment) {
  if (distrust_folders_ && !std::exchange(segment->folders_noted, true)) {
    const std::filesystem::path partition = segment->path.parent_path();
    dirty_folders_.insert({partition, partition.parent_path(), folder_});
  }
  segment->writing += 1;
  if (std::exchange(segment->dirty, true)) return;
  dirty_.splice(dirty_.begin(), clean_, segment->place);
}

// Under mutex_.
void SegmentFiles::end_write(const std::shared_ptr<SegmentFile>& segment, std::uint64_t end) {
  segment->writing -= 1;
  segment->writes += 1;
  if (segment->written_back > end) segment->written_back = 0;  // it was cut
  const std::uint64_t whole = end / kWritebackBytes * kWritebackBytes;
  if (whole <= segment->written_back || writeback_.size() >= kWritebackWaiting || !segment->open) return;
  writeback_.push_back({segment->open, segment->written_back, whole - segment->written_back});
  segment->written_back = whole;
}

void SegmentFiles::write(const std::shared_ptr<SegmentFile>& segment, std::span<const ConstBuffer> buffers,
                         std::uint64_t position) {
  Lock lock(mutex_);
  const auto file = descriptor(lock, segment, Missing::create, Full::flush);
  begin_write(segment);
  lock.unlock();
  std::uint64_t end = position;
  for (const ConstBuffer buffer : buffers) end += buffer.size();
  try {
    file->pwritev(buffers, position);
  } catch (...) {
    lock.lock();
    end_write(segment, 0);
    throw;
  }
  lock.lock();
  end_write(segment, end);
}

Reservation SegmentFiles::reserve(const std::shared_ptr<SegmentFile>& segment, std::uint64_t offset,
                                  std::uint64_t length) {
  std::shared_ptr<File> file;
  try {
    Lock lock(mutex_);
    file = descriptor(lock, segment, Missing::create, Full::exceed);
  } catch (const IoError& failure) {
    if (failure.error_number() == ENOSPC || failure.error_number() == EDQUOT) return Reservation::no_room;
    throw;
  }
  return file->reserve(offset, length);
}

std::size_t SegmentFiles::read(const std::shared_ptr<SegmentFile>& segment, std::span<std::byte> into,
                               std::uint64_t position) {
  Lock lock(mutex_);
  const auto file = descriptor(lock, segment, Missing::fail, Full::exceed);
  lock.unlock();
  return file->pread(into, position);
}

std::optional<std::size_t> SegmentFiles::read_cached(const std::shared_ptr<SegmentFile>& segment,
                                                     std::span<std::byte> into, std::uint64_t position) {
  Lock lock(mutex_);
  if (!segment->open) return std::nullopt;  // opening may have to read the folder
  const auto file = descriptor(lock, segment, Missing::fail, Full::exceed);
  lock.unlock();
  return file->pread_cached(into, position);
}

void SegmentFiles::truncate(const std::shared_ptr<SegmentFile>& segment, std::uint64_t size) {
  Lock lock(mutex_);
  const auto file = descriptor(lock, segment, Missing::fail, Full::flush);
  begin_write(segment);
  lock.unlock();
  file->truncate(size);
  lock.lock();
  end_write(segment, 0);
}

void SegmentFiles::flush(const std::shared_ptr<SegmentFile>& segment) {
  const std::scoped_lock one_at_a_time(flushing_);
  Lock lock(mutex_);
  if (!segment->dirty) return;  // another flush was faster, or it was removed
  const auto file = segment->open;
  const std::uint64_t writes = segment->writes;
  lock.unlock();
  // The kernel tells a failure once. Whoever comes second must not take its silence for success.
  if (flush_failed_) throw IoError("fdatasync", segment->path, EIO);
  try {
    file->fdatasync();
  } catch (...) {
    flush_failed_ = true;
    throw;
  }
  lock.lock();
  note_flushed(segment, writes);
}

// Under mutex_. `writes`: those that had returned before the flush began.
void SegmentFiles::note_flushed(const std::shared_ptr<SegmentFile>& segment, std::uint64_t writes) {
  if (segment->writes != writes || segment->writing != 0 || !segment->dirty) return;
  segment->dirty = false;
  clean_.splice(clean_.begin(), dirty_, segment->place);
}

void SegmentFiles::flush_each(const std::vector<std::shared_ptr<SegmentFile>>& segments) {
  std::vector<std::shared_ptr<File>> files;
  if (segments.size() >= kWritebackFirstFrom) {
    const std::scoped_lock lock(mutex_);
    for (const auto& segment : segments) {
      if (segment->dirty) files.push_back(segment->open);
    }
  }
  // Many: the disk has all of it to do at once, and the first flush pays for what each of them would pay again.
  for (const auto& file : files) file->start_writeback(0, 0);
  for (const auto& segment : segments) flush(segment);
}

// False: they must be flushed one by one. All of them are still open, so each is told what became of its own bytes.
// After its first no the file system is not asked again: its next yes would not count for the file that failed.
bool SegmentFiles::flush_together(const std::vector<std::shared_ptr<SegmentFile>>& segments) {
  const std::scoped_lock one_at_a_time(flushing_);
  if (!whole_ || flush_failed_) return false;
  std::vector<std::uint64_t> writes;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& segment : segments) writes.push_back(segment->writes);
  }
  if (!whole_->flush()) {
    whole_.reset();
    return false;
  }
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < segments.size(); ++i) note_flushed(segments[i], writes[i]);
  return true;
}

void SegmentFiles::flush_dirty() {
  std::vector<std::shared_ptr<SegmentFile>> segments;
  std::set<std::filesystem::path> folders;
  {
    const std::scoped_lock lock(mutex_);
    segments.assign(dirty_.begin(), dirty_.end());
    folders = std::exchange(dirty_folders_, {});
    writeback_.clear();
  }
  const std::size_t all = segments.size() + folders.size();
  if (all >= together_from_ && flush_together(segments)) return;
  flush_each(segments);
  for (const auto& folder : folders) fs_.sync_directory(folder);
}

bool SegmentFiles::start_writeback() {
  Writeback next;
  {
    const std::scoped_lock lock(mutex_);
    if (writeback_.empty()) return false;
    next = std::move(writeback_.back());
    writeback_.pop_back();
  }
  next.file->start_writeback(next.offset, next.bytes);
  return true;
}

bool SegmentFiles::writeback_waits() const {
  const std::scoped_lock lock(mutex_);
  return !writeback_.empty();
}

void SegmentFiles::remove(const std::shared_ptr<SegmentFile>& segment) {
  {
    const std::scoped_lock lock(mutex_);
    segment->removed = true;
    if (segment->open) close(segment);
  }
  fs_.remove(index_path(segment->path));
  fs_.remove(segment->path);
}

void SegmentFiles::remove_topic(const TopicId& topic) {
  const std::filesystem::path top = folder_ / hex(topic);
  for (const DirectoryEntry& partition : fs_.list(top)) {
    for (const DirectoryEntry& file : fs_.list(top / partition.name)) fs_.remove(top / partition.name / file.name);
    if (partition.directory) fs_.remove_directory(top / partition.name);
  }
  fs_.remove_directory(top);
  const std::scoped_lock lock(mutex_);
  std::erase_if(dirty_folders_, [&](const auto& folder) { return folder == top || folder.parent_path() == top; });
}

std::size_t SegmentFiles::open_count() const {
  const std::scoped_lock lock(mutex_);
  return clean_.size() + dirty_.size();
}

}  // namespace broker::storage
