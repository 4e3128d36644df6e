// GroupGeneration's bytes. Format: README.md, "Records", type 12.
#pragma once

#include "broker/storage/bytes.h"
#include "broker/storage/group_record.h"

namespace broker::storage {

void encode_generation(ByteWriter& out, const GroupGeneration& record);
// Throws CorruptError.
[[nodiscard]] GroupGeneration decode_generation(ByteReader& in);
// What encode_generation would write for this member.
[[nodiscard]] std::size_t encoded_bytes(const GroupMember& member);

}  // namespace broker::storage
