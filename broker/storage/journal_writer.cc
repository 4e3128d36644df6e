// Writes frames straight from the submitters' buffers. Format: README.md, "Journal".
#include "broker/storage/journal_writer.h"

#include "common/crc32c.h"
#include "common/ensure.h"

namespace broker::storage {

namespace {
constexpr std::array<std::byte, kPageBytes> kZeros{};
}

JournalWriter::JournalWriter(JournalFiles& files, const Superblock& superblock, const JournalPosition& position)
    : files_(files), superblock_(superblock), position_(position) {}

bool JournalWriter::make_ready(std::uint64_t frame_bytes) {
  if (file_ && position_.offset + frame_bytes <= file_->bytes) return true;
  auto next = files_.take(frame_bytes, position_.generation + 1);
  if (!next) return false;
  file_ = std::move(next);
  position_.generation += 1;
  position_.offset = 0;  // the file's header is still to be written, with the first frame
  return true;
}

void JournalWriter::write_unflushed(const FrameContent& content) {
  const std::uint64_t length = content.length();
  ENSURE(file_ != nullptr, "make_ready comes before write");
  ENSURE(position_.offset + length <= file_->bytes, "make_ready was asked for this frame");
  ENSURE(content.sequence == position_.sequence + 1, "frames are numbered without a gap");
  ENSURE(length <= kFrameBytesMax, "a draft is closed before it exceeds a frame");

  FrameHeader header{.length = static_cast<std::uint32_t>(length),
                     .generation = position_.generation,
                     .sequence = content.sequence,
                     .previous_crc = position_.previous_crc,
                     .count = content.count,
                     .meta_bytes = static_cast<std::uint32_t>(content.meta.size()),
                     .data_bytes = static_cast<std::uint32_t>(content.data_bytes)};
  std::uint32_t crc = frame_seed(superblock_.secret, header.generation, header.previous_crc);
  crc = common::crc32c(content.meta, crc);
  for (const ConstBuffer part : content.data) crc = common::crc32c(part, crc);
  header.payload_crc = crc;
  const HeaderBytes frame_header = encode_frame_header(header, superblock_.secret);

  HeaderBytes file_header{};
  buffers_.clear();
  const bool first = position_.offset == 0;
  if (first) {
    file_header = encode_file_header({.uuid = superblock_.uuid,
                                      .generation = position_.generation,
                                      .first_sequence = content.sequence,
                                      .previous_crc = position_.previous_crc},
                                     superblock_.secret);
    buffers_.emplace_back(file_header);
    buffers_.emplace_back(ConstBuffer(kZeros).first(kPageBytes - file_header.size()));
  }
  buffers_.emplace_back(frame_header);
  buffers_.push_back(content.meta);
  buffers_.insert(buffers_.end(), content.data.begin(), content.data.end());
  const std::uint64_t filled = kHeaderBytes + content.meta.size() + content.data_bytes;
  buffers_.emplace_back(ConstBuffer(kZeros).first(length - filled));
  file_->file->pwritev(buffers_, position_.offset);

  position_.sequence = content.sequence;
  position_.offset += length + (first ? kPageBytes : 0);
  position_.previous_crc = header.crc;
}

void JournalWriter::flush() { file_->file->fdatasync(); }

void JournalWriter::write(const FrameContent& content) {
  write_unflushed(content);
  flush();
}

}  // namespace broker::storage
