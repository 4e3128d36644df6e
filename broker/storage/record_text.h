// Records in one line each, for people: `outbox-broker dump`.
#pragma once

#include <string>

#include "broker/storage/batch_header.h"
#include "broker/storage/record_codec.h"

namespace broker::storage {

// "append 0123…/4 base=17 count=3 …": the kind, then what it says as key=value. No payload, no control characters.
[[nodiscard]] std::string text_of(const DecodedRecord& decoded);
[[nodiscard]] std::string text_of(const BatchHeader& header);
[[nodiscard]] std::string text_of(const PartitionRef& partition);

}  // namespace broker::storage
