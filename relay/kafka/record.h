// A row as a Kafka record: the relay's own headers, the exact size of its batch, and what can be refused unseen.
// CONTRACTS §4; record batch v2 as in KIP-98 and the protocol guide,
// https://kafka.apache.org/documentation/#recordbatch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/core/publisher.h"

namespace relay::kafka {

// What the headers outbox-message-id, outbox-created-at and outbox-redrive say of this row.
struct OwnHeaders {
  std::string message_id;  // <source>/<id>-<created_at in µs since 1970>
  std::string created_at;  // RFC 3339 UTC, six digits
  std::string redrive;     // empty: no such header
};

[[nodiscard]] OwnHeaders own_headers(std::string_view source, const core::Row& row);

// [A-Za-z0-9._-]{1,249}, not "." or "..".
[[nodiscard]] bool is_topic_name(std::string_view topic);

// Bytes of an uncompressed record batch v2 that holds this row alone, from its base offset to its last byte: what a
// broker compares with max.message.bytes.
[[nodiscard]] std::int64_t single_batch_bytes(std::string_view source, const core::Row& row);

// What no sink would take: topic, headers, a defect the database found. None: nothing against it.
[[nodiscard]] std::optional<core::PublishOutcome> refuse_form(const core::Row& row);

// The refusal of a batch of `bytes` where `limit` are allowed; `setting` names what to raise.
[[nodiscard]] core::PublishOutcome too_large(const core::Row& row, std::int64_t bytes, std::int64_t limit,
                                             std::string_view setting);

}  // namespace relay::kafka
