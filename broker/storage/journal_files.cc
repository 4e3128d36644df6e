// The journal's files: made, taken, released. Why zeros: README.md, and reference figures there.
#include "broker/storage/journal_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "common/log.h"

namespace broker::storage {

namespace {

constexpr int kFilesUsual = 4;
constexpr std::size_t kZerosAtOnce = 1U << 20;

std::string name_of(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d", number);
  return text;
}

bool is_number(std::string_view name) {
  return !name.empty() && name.size() <= 4 && name.find_first_not_of("0123456789") == std::string_view::npos;
}

void fill(File& file, std::uint64_t bytes, const HeaderBytes& header) {
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(bytes, kZerosAtOnce));
  for (std::uint64_t at = 0; at < bytes; at += zeros.size()) {
    file.pwrite(ConstBuffer(zeros).first(std::min<std::uint64_t>(zeros.size(), bytes - at)), at);
  }
  file.pwrite(header, 0);
  file.fsync();
}

}  // namespace

std::shared_ptr<JournalFile> open_journal_file(FileSystem& fs, const std::filesystem::path& path, OpenMode mode,
                                               const Superblock& superblock) {
  auto journal = std::make_shared<JournalFile>();
  journal->number = std::stoi(path.filename());
  journal->path = path;
  journal->file = fs.open(path, mode);
  if (!journal->file) throw IoError("open", path, ENOENT);
  journal->bytes = journal->file->size();
  HeaderBytes bytes{};
  const std::size_t got = journal->file->pread(bytes, 0);
  const auto header = decode_file_header(ConstBuffer(bytes).first(got), superblock.uuid, superblock.secret);
  journal->damaged = !header.has_value();
  if (header) {
    journal->generation = header->generation;
    journal->first_sequence = header->first_sequence;
    journal->previous_crc = header->previous_crc;
  }
  return journal;
}

std::vector<std::shared_ptr<JournalFile>> open_journal_to_read(FileSystem& fs, const std::filesystem::path& folder,
                                                               const Superblock& superblock) {
  std::vector<std::shared_ptr<JournalFile>> files;
  for (const DirectoryEntry& entry : fs.list(folder)) {
    if (is_number(entry.name))
      files.push_back(open_journal_file(fs, folder / entry.name, OpenMode::read_existing, superblock));
  }
  return files;
}

JournalFiles::JournalFiles(FileSystem& fs, std::filesystem::path folder, const Superblock& superblock,
                           std::uint64_t file_bytes)
    : fs_(fs), folder_(std::move(folder)), superblock_(superblock), file_bytes_(whole_pages(file_bytes)) {}

void JournalFiles::open_all() {
  const std::scoped_lock lock(mutex_);
  // A file may be visible though its maker was killed before this flush.
  fs_.sync_directory(folder_);
  for (const DirectoryEntry& entry : fs_.list(folder_)) {
    if (!is_number(entry.name)) {
      if (entry.name.ends_with(".tmp")) fs_.remove(folder_ / entry.name);
      continue;
    }
    files_.push_back(open_journal_file(fs_, folder_ / entry.name, OpenMode::write_existing, superblock_));
  }
}

std::vector<std::shared_ptr<JournalFile>> JournalFiles::all() const {
  const std::scoped_lock lock(mutex_);
  return files_;
}

void JournalFiles::make_file(int number, std::uint64_t bytes) {
  const std::filesystem::path path = folder_ / name_of(number);
  const std::filesystem::path temporary = path.string() + ".tmp";
  fs_.remove(temporary);
  auto journal = std::make_shared<JournalFile>();
  journal->number = number;
  journal->path = path;
  journal->bytes = bytes;
  journal->file = fs_.open(temporary, OpenMode::create_new);
  if (!journal->file) throw IoError("create", temporary, ENOENT);
  try {
    fill(*journal->file, bytes, encode_file_header({.uuid = superblock_.uuid}, superblock_.secret));
  } catch (const IoError&) {
    fs_.remove(temporary);  // on a full disk it would take the room that others wait for
    throw;
  }
  fs_.rename(temporary, path);
  fs_.sync_directory(folder_);
  const std::scoped_lock lock(mutex_);
  std::erase_if(files_, [number](const auto& file) { return file->number == number; });
  files_.insert(std::ranges::find_if(files_, [number](const auto& file) { return file->number > number; }),
                std::move(journal));
}

void JournalFiles::make(std::uint64_t bytes) {
  int number = 0;
  {
    const std::scoped_lock lock(mutex_);
    while (std::ranges::any_of(files_, [number](const auto& file) { return file->number == number; })) ++number;
  }
  make_file(number, whole_pages(bytes));
}

bool JournalFiles::prepare_one() {
  int number = -1;
  std::uint64_t bytes = file_bytes_;
  {
    const std::scoped_lock lock(mutex_);
    for (int candidate = 0; candidate < kFilesUsual && number < 0; ++candidate) {
      if (std::ranges::none_of(files_, [candidate](const auto& file) { return file->number == candidate; }))
        number = candidate;
    }
    // A free file of another size: taken out of the list first, so that nobody takes it while it is replaced.
    for (std::size_t i = 0; i < files_.size() && number < 0; ++i) {
      if (files_[i]->generation >= free_before_ || files_[i]->bytes == file_bytes_) continue;
      number = files_[i]->number;
      files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (number < 0 && wanted_bytes_ > 0) {
      bytes = std::max(file_bytes_, whole_pages(wanted_bytes_));
      number = files_.empty() ? 0 : files_.back()->number + 1;
    }
    if (number < 0) return false;
    wanted_bytes_ = 0;
  }
  make_file(number, bytes);
  return true;
}

void JournalFiles::want_more(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  wanted_bytes_ = std::max(wanted_bytes_, bytes + kPageBytes);
}

std::shared_ptr<JournalFile> JournalFiles::take(std::uint64_t frame_bytes, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  for (const auto& file : files_) {
    if (file->generation >= free_before_ || file->bytes < kPageBytes + frame_bytes) continue;
    file->generation = generation;
    return file;
  }
  return nullptr;
}

void JournalFiles::release_before(std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  free_before_ = std::max(free_before_, generation);
}

std::uint64_t JournalFiles::newest_generation() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t newest = 0;
  for (const auto& file : files_) newest = std::max(newest, file->generation);
  return newest;
}

}  // namespace broker::storage
