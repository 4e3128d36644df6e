// Writes frames, one after the other: each write is followed by its flush before the next one begins. Journal thread
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/storage/journal_files.h"
#include "broker/storage/journal_format.h"

namespace broker::storage {

// What one frame carries. The buffers are the submitters' and live until the segments have the bytes.
struct FrameContent {
  std::uint64_t sequence = 0;
  std::uint32_t count = 0;
  ConstBuffer meta;
  std::span<const ConstBuffer> data;
  std::uint64_t data_bytes = 0;

  [[nodiscard]] std::uint64_t length() const { return whole_pages(kHeaderBytes + meta.size() + data_bytes); }
};

class JournalWriter {
 public:
  // `position`: after the last frame that counts. The first write begins a fresh file of the next generation.
  JournalWriter(JournalFiles& files, const Superblock& superblock, const JournalPosition& position);

  // True: a frame of this length can be written now. False: no file is free.
  bool make_ready(std::uint64_t frame_bytes);
  // make_ready was true. Written and flushed when it returns; a throw leaves the outcome unknown.
  void write(const FrameContent& content);
  // The two halves of write, for the order of events in tests.
  void write_unflushed(const FrameContent& content);
  void flush();

  [[nodiscard]] const JournalPosition& position() const { return position_; }

 private:
  JournalFiles& files_;
  const Superblock superblock_;
  JournalPosition position_;
  std::shared_ptr<JournalFile> file_;
  std::vector<ConstBuffer> buffers_;
};

}  // namespace broker::storage
