// Records as bytes, for the journal's frames and for checkpoints. Format: README.md, "Records".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/storage/bytes.h"
#include "broker/storage/record.h"

namespace broker::storage {

// Where an append's bytes belong: its segment and the position in it. Decided at submit, so that replay decides
// nothing.
struct AppendPlace {
  Offset segment_base;
  std::uint64_t position = 0;
};

struct DecodedRecord {
  Record record;
  AppendPlace place;  // of an Append
};

// An Append's bytes are not written here, only their number. `place` is used by an Append alone.
void encode_record(std::vector<std::byte>& out, const Record& record, const AppendPlace& place = {});
// `data`: the reader of the frame's data section, from which an Append's bytes are viewed. Throws CorruptError.
[[nodiscard]] DecodedRecord decode_record(ByteReader& meta, ByteReader& data);

[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);
// None: not 32 hexadecimal digits.
[[nodiscard]] std::optional<TopicId> parse_topic_id(const std::string& text);
// 20 digits, so that names sort as numbers do.
[[nodiscard]] std::string twenty_digits(std::uint64_t number);

}  // namespace broker::storage
