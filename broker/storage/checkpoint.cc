// Checkpoints as bytes, and which of them counts. Format: README.md, "Checkpoint".
#include "broker/storage/checkpoint.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "broker/storage/bytes.h"
#include "broker/storage/record_codec.h"
#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::array<char, 8> kMagic = {'O', 'B', 'C', 'H', 'K', 'P', '0', '1'};
constexpr std::uint32_t kFormat = 2;
constexpr std::uint32_t kFormatWithoutFirstAppend = 1;  // still read
constexpr std::uint32_t kClean = 1;
constexpr std::size_t kHeaderSize = 96;
constexpr std::size_t kPositionAt = 40;
constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::uint64_t kCheckpointBytesMax = 2000ULL << 20;  // far beyond every bound of the state

void seal(std::vector<std::byte>& encoded, const Superblock& superblock) {
  const std::uint32_t crc = common::crc32c(ConstBuffer(encoded).subspan(16), common::crc32c(superblock.secret));
  std::memcpy(encoded.data() + 12, &crc, sizeof crc);
}

// None: another name.
std::optional<std::uint64_t> sequence_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::uint64_t sequence = 0;
  const char* first = name.data() + kPrefix.size();
  const char* last = name.data() + name.size();
  const auto [end, failure] = std::from_chars(first, last, sequence);
  if (failure != std::errc() || end != last) return std::nullopt;
  return sequence;
}

Checkpoint decode(ConstBuffer bytes, const Superblock& superblock) {
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    throw CorruptError("no checkpoint");
  ByteReader in(bytes.subspan(8));
  const auto format = in.get<std::uint32_t>();
  if (format != kFormat && format != kFormatWithoutFirstAppend) throw CorruptError("unknown format");
  if (in.get<std::uint32_t>() != common::crc32c(bytes.subspan(16), common::crc32c(superblock.secret)))
    throw CorruptError("checksum differs");
  if (std::memcmp(in.take(16).data(), superblock.uuid.data(), 16) != 0) throw CorruptError("belongs to another store");
  if (in.get<std::uint64_t>() != bytes.size()) throw CorruptError("length differs");
  Checkpoint checkpoint;
  checkpoint.position.sequence = in.get<std::uint64_t>();
  checkpoint.position.generation = in.get<std::uint64_t>();
  checkpoint.position.offset = in.get<std::uint64_t>();
  checkpoint.position.previous_crc = in.get<std::uint32_t>();
  checkpoint.clean = (in.get<std::uint32_t>() & kClean) != 0;
  checkpoint.leader_epoch = in.get<std::int32_t>();
  const auto partitions = in.get<std::uint32_t>();
  const auto records = in.get<std::uint32_t>();
  (void)in.take(kHeaderSize - 84);
  for (std::uint32_t i = 0; i < partitions; ++i) {
    PartitionMark& mark = checkpoint.partitions.emplace_back();
    std::memcpy(mark.partition.topic.data(), in.take(16).data(), 16);
    mark.partition.partition = PartitionIndex(in.get<std::int32_t>());
    mark.start = Offset(in.get<std::int64_t>());
    mark.end = Offset(in.get<std::int64_t>());
    for (std::size_t left = in.get_count(40); left > 0; --left) {
      SegmentMark& segment = mark.segments.emplace_back();
      segment.base = Offset(in.get<std::int64_t>());
      segment.end = Offset(in.get<std::int64_t>());
      segment.bytes = in.get<std::uint64_t>();
      segment.max_timestamp_ms = in.get<std::int64_t>();
      // What the older format does not tell counts as new: it is kept longer, never shorter.
      if (format == kFormat) segment.first_append_ms = in.get<std::int64_t>();
      segment.last_append_ms = in.get<std::int64_t>();
      if (format != kFormat) segment.first_append_ms = segment.last_append_ms;
    }
  }
  ByteReader no_data({});
  for (std::uint32_t i = 0; i < records; ++i) checkpoint.records.push_back(decode_record(in, no_data).record);
  return checkpoint;
}

}  // namespace

std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::uint64_t sequence) {
  return folder / (std::string(kPrefix) + twenty_digits(sequence));
}

std::vector<std::byte> encode_checkpoint(const Checkpoint& checkpoint, const Superblock& superblock) {
  std::vector<std::byte> encoded;
  ByteWriter out(encoded);
  out.put_bytes(std::as_bytes(std::span(kMagic)));
  out.put(kFormat);
  out.put(std::uint32_t{0});
  out.put_bytes(std::as_bytes(std::span(superblock.uuid)));
  out.put(std::uint64_t{0});
  out.put_zeros(28);
  out.put(checkpoint.clean ? kClean : std::uint32_t{0});
  out.put(checkpoint.leader_epoch);
  out.put(static_cast<std::uint32_t>(checkpoint.partitions.size()));
  out.put(static_cast<std::uint32_t>(checkpoint.records.size()));
  out.put_zeros(kHeaderSize - out.size());
  for (const PartitionMark& mark : checkpoint.partitions) {
    out.put_bytes(std::as_bytes(std::span(mark.partition.topic)));
    out.put(mark.partition.partition.value());
    out.put(mark.start.value());
    out.put(mark.end.value());
    out.put(static_cast<std::uint32_t>(mark.segments.size()));
    for (const SegmentMark& segment : mark.segments) {
      out.put(segment.base.value());
      out.put(segment.end.value());
      out.put(segment.bytes);
      out.put(segment.max_timestamp_ms);
      out.put(segment.first_append_ms);
      out.put(segment.last_append_ms);
    }
  }
  for (const Record& record : checkpoint.records) encode_record(encoded, record);
  out.set(32, static_cast<std::uint64_t>(encoded.size()));
  set_position(encoded, checkpoint.position, superblock);
  return encoded;
}

void set_position(std::vector<std::byte>& encoded, const JournalPosition& position, const Superblock& superblock) {
  ByteWriter out(encoded);
  out.set(kPositionAt, position.sequence);
  out.set(kPositionAt + 8, position.generation);
  out.set(kPositionAt + 16, position.offset);
  out.set(kPositionAt + 24, position.previous_crc);
  seal(encoded, superblock);
}

Checkpoint read_checkpoint(FileSystem& fs, const std::filesystem::path& path, const Superblock& superblock) {
  const auto file = fs.open(path, OpenMode::read_existing);
  if (!file) throw IoError("open", path, ENOENT);
  const std::uint64_t size = file->size();
  try {
    if (size > kCheckpointBytesMax) throw CorruptError("far too long");
    std::vector<std::byte> bytes(size);
    if (file->pread(bytes, 0) != size) throw CorruptError("ends too early");
    Checkpoint checkpoint = decode(bytes, superblock);
    if (checkpoint.position.sequence != sequence_of(path.filename().string()))
      throw CorruptError("its name and its sequence differ");
    return checkpoint;
  } catch (const CorruptError& failure) {
    throw CorruptError(path.string() + " is damaged (" + failure.what() + ", bytes 0 to " + std::to_string(size) +
                       "); the journal before it is gone and --accept-loss cannot help, so restore the folder from a "
                       "copy, or move it away to begin anew");
  }
}

std::optional<Checkpoint> read_newest_checkpoint(FileSystem& fs, const std::filesystem::path& folder,
                                                 const Superblock& superblock) {
  std::optional<std::uint64_t> newest;
  for (const DirectoryEntry& entry : fs.list(folder)) {
    const auto sequence = sequence_of(entry.name);
    if (sequence && (!newest || *sequence > *newest)) newest = sequence;
  }
  if (!newest) return std::nullopt;
  return read_checkpoint(fs, checkpoint_path(folder, *newest), superblock);
}

void remove_older_checkpoints(FileSystem& fs, const std::filesystem::path& folder, std::uint64_t sequence) {
  for (const DirectoryEntry& entry : fs.list(folder)) {
    const auto found = sequence_of(entry.name);
    const bool leftover = entry.name.starts_with(kPrefix) && entry.name.ends_with(".tmp");
    if (leftover || (found && *found < sequence)) fs.remove(folder / entry.name);
  }
}

}  // namespace broker::storage
