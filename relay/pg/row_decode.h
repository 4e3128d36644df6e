// A row of the polling statements, in PostgreSQL's binary format, becomes a core::Row or core::Headline. Pure but for
// reading a Result.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/core/outbox_store.h"
#include "relay/pg/connection.h"

namespace relay::pg {

// The columns every row-reading statement selects, in this order.
namespace column {
enum RowColumn : int {
  id,
  topic,
  key,
  body,      // null when `oversize` is not
  oversize,  // bytes of body and headers when they were too many to come along
  headers,
  status,  // null: the header row, see kHeader…
  confirmed,
  msg_log_id,
  msg_log_url,
  attempts,
  next_attempt_at,
  checks,
  unknown_checks,
  first_check_at,
  next_check_at,
  redrives,
  created_at,
  count,
};
}  // namespace column
// The header row of a poll borrows columns of the right type.
constexpr int kHeaderHighestId = column::id, kHeaderSnapshot = column::topic, kHeaderInsertLsn = column::key,
              kHeaderFlushLsn = column::msg_log_id, kHeaderNow = column::created_at;

// The database's clock when the statement began, in its own count (µs since 2000).
using PgTime = std::int64_t;

struct DecodeContext {
  PgTime now = 0;
  std::chrono::microseconds check_back_first{0};
  // The text columns came as bytes that were not converted: what is no UTF-8 is replaced and named in `defect`.
  bool unconverted = false;
};

core::Headline decode_headline(const Result& result, int row, const DecodeContext& context);
core::Row decode_row(const Result& result, int row, const DecodeContext& context);

// "100:105:100,103" as pg_current_snapshot() prints it.
core::Snapshot parse_snapshot(std::string_view text);
// "16/B374D848".
core::Lsn parse_lsn(std::string_view text);
// The insert position as one that a flush can reach: just past a page's header nothing has been written yet, and the
// flush position stays at the page's start.
core::Lsn without_page_header(core::Lsn insert, std::uint64_t block_bytes, std::uint64_t segment_bytes);

// Microseconds since 1970, saturating.
std::chrono::microseconds since_1970(PgTime time);

using Headers = std::vector<std::pair<std::string, std::string>>;
// None: `json` is no object of strings.
std::optional<Headers> decode_headers(std::string_view json);

}  // namespace relay::pg
