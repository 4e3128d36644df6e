// The journal's headers as bytes. Format: README.md, "Journal".
#include "broker/storage/journal_format.h"

#include <cstring>

#include "common/crc32c.h"

namespace broker::storage {

namespace {

constexpr std::array<char, 8> kFileMagic = {'O', 'B', 'J', 'R', 'N', 'L', '0', '1'};
constexpr std::array<char, 4> kFrameMagic = {'O', 'B', 'F', 'R'};
constexpr std::uint32_t kJournalFormat = 1;

template <class T>
void store(HeaderBytes& bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
template <class T>
T load(ConstBuffer bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint32_t file_header_crc(ConstBuffer bytes, const Secret& secret) {
  return common::crc32c(bytes.subspan(12, kHeaderBytes - 12), common::crc32c(secret));
}

}  // namespace

HeaderBytes encode_file_header(const FileHeader& header, const Secret& secret) {
  HeaderBytes bytes{};
  store(bytes, 0, kFileMagic);
  store(bytes, 12, kJournalFormat);
  store(bytes, 16, header.uuid);
  store(bytes, 32, header.generation);
  store(bytes, 40, header.first_sequence);
  store(bytes, 48, header.previous_crc);
  store(bytes, 8, file_header_crc(bytes, secret));
  return bytes;
}

std::optional<FileHeader> decode_file_header(ConstBuffer bytes, const Uuid& uuid, const Secret& secret) {
  if (bytes.size() < kHeaderBytes || load<std::array<char, 8>>(bytes, 0) != kFileMagic) return std::nullopt;
  if (load<std::uint32_t>(bytes, 8) != file_header_crc(bytes, secret)) return std::nullopt;
  if (load<std::uint32_t>(bytes, 12) != kJournalFormat || load<Uuid>(bytes, 16) != uuid) return std::nullopt;
  return FileHeader{.uuid = uuid,
                    .generation = load<std::uint64_t>(bytes, 32),
                    .first_sequence = load<std::uint64_t>(bytes, 40),
                    .previous_crc = load<std::uint32_t>(bytes, 48)};
}

std::uint32_t frame_seed(const Secret& secret, std::uint64_t generation, std::uint32_t previous_crc) {
  const std::uint32_t with_generation =
      common::crc32c(std::as_bytes(std::span(&generation, 1)), common::crc32c(secret));
  return common::crc32c(std::as_bytes(std::span(&previous_crc, 1)), with_generation);
}

HeaderBytes encode_frame_header(FrameHeader& header, const Secret& secret) {
  HeaderBytes bytes{};
  store(bytes, 0, kFrameMagic);
  store(bytes, 8, header.length);
  store(bytes, 12, header.payload_crc);
  store(bytes, 16, header.generation);
  store(bytes, 24, header.sequence);
  store(bytes, 32, header.previous_crc);
  store(bytes, 36, header.count);
  store(bytes, 40, header.meta_bytes);
  store(bytes, 44, header.data_bytes);
  header.crc =
      common::crc32c(ConstBuffer(bytes).subspan(8), frame_seed(secret, header.generation, header.previous_crc));
  store(bytes, 4, header.crc);
  return bytes;
}

std::optional<FrameHeader> decode_frame_header(ConstBuffer bytes, const Secret& secret) {
  if (bytes.size() < kHeaderBytes || load<std::array<char, 4>>(bytes, 0) != kFrameMagic) return std::nullopt;
  const FrameHeader header{.crc = load<std::uint32_t>(bytes, 4),
                           .length = load<std::uint32_t>(bytes, 8),
                           .payload_crc = load<std::uint32_t>(bytes, 12),
                           .generation = load<std::uint64_t>(bytes, 16),
                           .sequence = load<std::uint64_t>(bytes, 24),
                           .previous_crc = load<std::uint32_t>(bytes, 32),
                           .count = load<std::uint32_t>(bytes, 36),
                           .meta_bytes = load<std::uint32_t>(bytes, 40),
                           .data_bytes = load<std::uint32_t>(bytes, 44)};
  const std::uint32_t seed = frame_seed(secret, header.generation, header.previous_crc);
  if (common::crc32c(bytes.subspan(8, kHeaderBytes - 8), seed) != header.crc) return std::nullopt;
  const std::uint64_t content = kHeaderBytes + std::uint64_t{header.meta_bytes} + header.data_bytes;
  if (header.length > kFrameBytesMax || header.length != whole_pages(content)) return std::nullopt;
  return header;
}

}  // namespace broker::storage
