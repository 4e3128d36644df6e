// Files as lines.
#include "broker/storage/dump.h"

#include <algorithm>
#include <ostream>

#include "broker/storage/journal_files.h"
#include "broker/storage/record_text.h"
#include "broker/storage/segment_index.h"
#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::uint64_t kBatchBytesMax = 64ULL << 20;

void dump_frame(const FrameHeader& header, ConstBuffer payload, std::ostream& out) {
  try {
    ByteReader meta(payload.first(header.meta_bytes));
    ByteReader data(payload.subspan(header.meta_bytes));
    for (std::uint32_t i = 0; i < header.count; ++i) out << "  " << text_of(decode_record(meta, data)) << '\n';
  } catch (const CorruptError& failure) {
    out << "  cannot be read on: " << failure.what() << '\n';
  }
}

}  // namespace

void dump_checkpoint(const Checkpoint& checkpoint, const DumpRange& range, std::ostream& out) {
  out << "checkpoint " << checkpoint.position.sequence << ", the journal goes on in generation "
      << checkpoint.position.generation << " at byte " << checkpoint.position.offset << ", leader epoch "
      << checkpoint.leader_epoch << (checkpoint.clean ? ", clean stop" : "") << '\n';
  for (const PartitionMark& partition : checkpoint.partitions) {
    out << "  partition " << text_of(partition.partition) << " start=" << partition.start.value()
        << " end=" << partition.end.value() << '\n';
    for (const SegmentMark& segment : partition.segments) {
      out << "    segment " << segment.base.value() << " end=" << segment.end.value() << " bytes=" << segment.bytes
          << " max_timestamp_ms=" << segment.max_timestamp_ms << " last_append_ms=" << segment.last_append_ms << '\n';
    }
  }
  std::uint64_t left = range.limit;
  for (const Record& record : checkpoint.records) {
    if (left-- == 0) break;
    out << "  " << text_of({record, {}}) << '\n';
  }
}

void dump_journal_file(FileSystem& fs, const std::filesystem::path& path, const Superblock& superblock, DumpRange range,
                       std::ostream& out) {
  const auto journal = open_journal_file(fs, path, OpenMode::read_existing, superblock);
  out << "journal file " << path.filename().string() << ", " << journal->bytes << " bytes, ";
  if (journal->damaged) {
    out << "its header is damaged\n";
  } else if (journal->generation == 0) {
    out << "never used\n";
  } else {
    out << "generation " << journal->generation << ", first frame " << journal->first_sequence << '\n';
  }
  std::uint64_t stale = 0;
  std::vector<std::byte> payload;
  for (std::uint64_t at = kPageBytes; at + kPageBytes <= journal->bytes && range.limit > 0;) {
    HeaderBytes bytes{};
    if (journal->file->pread(bytes, at) != bytes.size()) break;
    const auto header = decode_frame_header(bytes, superblock.secret);
    if (!header) {
      at += kPageBytes;
      continue;
    }
    const bool old = !journal->damaged && header->generation != journal->generation;
    stale += old ? 1 : 0;
    if (!old && static_cast<std::int64_t>(header->sequence) >= range.from) {
      payload.resize(std::size_t{header->meta_bytes} + header->data_bytes);
      const bool whole = journal->file->pread(payload, at + kHeaderBytes) == payload.size() &&
                         common::crc32c(payload, frame_seed(superblock.secret, header->generation,
                                                            header->previous_crc)) == header->payload_crc;
      out << "frame " << header->sequence << " at byte " << at << ", " << header->length << " bytes, "
          << (header->count == 0 ? "a mark" : std::to_string(header->count) + " records")
          << (whole ? "" : ", DAMAGED: its checksum differs") << '\n';
      if (whole) dump_frame(*header, payload, out);
      range.limit -= 1;
    }
    at += header->length;
  }
  if (stale > 0) out << stale << " frames of older generations behind them\n";
}

void dump_segment(FileSystem& fs, const std::filesystem::path& path, DumpRange range, std::ostream& out) {
  const auto file = fs.open(path, OpenMode::read_existing);
  if (!file) throw common::Error("there is no file " + path.string(), false, common::ExitCode::configuration);
  const std::uint64_t size = file->size();
  out << "segment " << path.filename().string() << ", " << size << " bytes\n";
  std::vector<std::byte> bytes;
  for (std::uint64_t at = 0; at < size && range.limit > 0;) {
    bytes.resize(kBatchHeaderBytes);
    const auto header =
        file->pread(bytes, at) == bytes.size() ? parse_batch_header(bytes) : std::optional<BatchHeader>();
    if (!header || header->bytes > std::min(kBatchBytesMax, size - at)) {
      out << "byte " << at << ": DAMAGED, no batch begins here\n";
      return;
    }
    if (header->end.value() > range.from) {
      bytes.resize(header->bytes);
      const bool whole = file->pread(bytes, at) == bytes.size() && batch_is_whole(*header, bytes);
      out << "byte " << at << ": " << text_of(*header) << (whole ? "" : ", DAMAGED: its checksum differs") << '\n';
      range.limit -= 1;
    }
    at += header->bytes;
  }
}

void dump_file(FileSystem& fs, const std::filesystem::path& path, const DumpRange& range, std::ostream& out) {
  const std::string name = path.filename().string();
  if (path.extension() == ".log" || path.extension() == ".damaged") return dump_segment(fs, path, range, out);
  const std::filesystem::path parent = std::filesystem::absolute(path).lexically_normal().parent_path();
  const bool journal = parent.filename() == "journal";
  const auto superblock = read_superblock(fs, journal ? parent.parent_path() : parent);
  if (!superblock) {
    throw common::Error(path.string() + " cannot be proven without the superblock \"store\" of its folder", false,
                        common::ExitCode::configuration);
  }
  if (journal) return dump_journal_file(fs, path, *superblock, range, out);
  if (name.starts_with("checkpoint-")) return dump_checkpoint(read_checkpoint(fs, path, *superblock), range, out);
  if (name == "store") {
    out << "superblock, format " << superblock->format << ", cluster outbox-" << hex(superblock->uuid) << '\n';
    return;
  }
  throw common::Error(path.string() + " is none of the broker's files: store, checkpoint-…, journal/NN or a segment",
                      false, common::ExitCode::configuration);
}

}  // namespace broker::storage
