// Follows the chain of frames; where it breaks, looks for later frames before it calls the break a torn tail.
#include "broker/storage/journal_reader.h"

#include <algorithm>
#include <optional>
#include <string>

#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::size_t kSearchBytes = 1U << 20;

class Reader {
 public:
  Reader(std::span<const std::shared_ptr<JournalFile>> files, const Superblock& superblock, const JournalPosition& from)
      : files_(files), superblock_(superblock), position_(from) {}

  JournalEnd read(const std::function<void(const FrameView&)>& each) {
    JournalEnd end;
    for (;;) {
      const JournalFile* file = find(position_.generation);
      while (file != nullptr && read_frame(*file, each)) {
        ++end.frames;
        end.bytes += header_.length;
      }
      if (!enter_next_generation(file)) break;
    }
    refuse_if_later_frames();
    end.position = position_;
    return end;
  }

 private:
  const JournalFile* find(std::uint64_t generation) const {
    for (const auto& file : files_) {
      if (!file->damaged && file->generation == generation) return file.get();
    }
    return nullptr;
  }

  bool proves_payload(const FrameHeader& header, ConstBuffer payload) const {
    return common::crc32c(payload, frame_seed(superblock_.secret, header.generation, header.previous_crc)) ==
           header.payload_crc;
  }

  // The frame at the position; false: there is no valid one.
  bool read_frame(const JournalFile& file, const std::function<void(const FrameView&)>& each) {
    if (position_.offset + kPageBytes > file.bytes) return false;
    HeaderBytes bytes{};
    if (file.file->pread(bytes, position_.offset) != bytes.size()) return false;
    const auto header = decode_frame_header(bytes, superblock_.secret);
    if (!header || header->generation != position_.generation || header->sequence != position_.sequence + 1 ||
        header->previous_crc != position_.previous_crc || position_.offset + header->length > file.bytes) {
      return false;
    }
    buffer_.resize(std::size_t{header->meta_bytes} + header->data_bytes);
    if (file.file->pread(buffer_, position_.offset + kHeaderBytes) != buffer_.size()) return false;
    if (!proves_payload(*header, buffer_)) return false;
    try {
      const ConstBuffer payload(buffer_);
      each({*header, payload.first(header->meta_bytes), payload.subspan(header->meta_bytes)});
    } catch (const CorruptError& failure) {
      // Proven by its checksum, yet not understood: written by another program, or a fault of ours.
      throw CorruptError(place(file, position_.offset) + " holds a frame that cannot be applied (" + failure.what() +
                         "); use the program version that wrote this folder");
    }
    header_ = *header;
    position_.sequence = header->sequence;
    position_.offset += header->length;
    position_.previous_crc = header->crc;
    return true;
  }

  // True: the next generation continues the chain and the position is its first frame's.
  bool enter_next_generation(const JournalFile* before) {
    const JournalFile* next = find(position_.generation + 1);
    if (next == nullptr) return false;
    if (next->first_sequence != position_.sequence + 1 || next->previous_crc != position_.previous_crc) {
      damaged_at_ = before;
      refuse(*next, 0, next->first_sequence);
    }
    position_.generation += 1;
    position_.offset = kPageBytes;
    return true;
  }

  void refuse_if_later_frames() {
    const JournalFile* current = find(position_.generation);
    damaged_at_ = current;
    for (const auto& file : files_) {
      if (file->damaged) {
        search(*file, kPageBytes, position_.sequence + 1);
      } else if (file->generation > position_.generation) {
        // A generation between is missing: its header was there once, so frames were too.
        refuse(*file, 0, file->first_sequence);
      } else if (file.get() == current) {
        search(*file, position_.offset, position_.sequence + 2);
      }
    }
  }

  // Throws when a frame with at least this sequence proves itself at some page from `offset` on.
  void search(const JournalFile& file, std::uint64_t offset, std::uint64_t sequence_min) {
    std::vector<std::byte> window(kSearchBytes);
    for (; offset < file.bytes; offset += kSearchBytes) {
      const std::size_t got = file.file->pread(window, offset);
      for (std::size_t at = 0; at + kHeaderBytes <= got; at += kPageBytes) {
        const auto header = decode_frame_header(ConstBuffer(window).subspan(at, kHeaderBytes), superblock_.secret);
        if (header && header->sequence >= sequence_min) refuse(file, offset + at, header->sequence);
      }
      if (got < window.size()) return;
    }
  }

  static std::string place(const JournalFile& file, std::uint64_t offset) {
    return file.path.string() + " at byte " + std::to_string(offset);
  }

  [[noreturn]] void refuse(const JournalFile& later, std::uint64_t offset, std::uint64_t sequence) const {
    const std::string where = damaged_at_ != nullptr
                                  ? place(*damaged_at_, position_.offset)
                                  : "the journal's generation " + std::to_string(position_.generation);
    throw CorruptError("the journal is damaged: frame " + std::to_string(position_.sequence + 1) + " belongs to " +
                       where + " and is not valid there, but frame " + std::to_string(sequence) + " lies in " +
                       place(later, offset) +
                       "; acknowledged records of any partition may lie between, so the start is refused and "
                       "--accept-loss cannot help: restore the folder from a copy, "
                       "or move it away to begin anew (the senders have what they still keep)");
  }

  std::span<const std::shared_ptr<JournalFile>> files_;
  const Superblock& superblock_;
  JournalPosition position_;
  FrameHeader header_;
  const JournalFile* damaged_at_ = nullptr;
  std::vector<std::byte> buffer_;
};

}  // namespace

JournalEnd read_journal(std::span<const std::shared_ptr<JournalFile>> files, const Superblock& superblock,
                        const JournalPosition& from, const std::function<void(const FrameView&)>& each) {
  return Reader(files, superblock, from).read(each);
}

}  // namespace broker::storage
