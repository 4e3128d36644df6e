// From binary columns to rows. Timestamps are µs since 2000-01-01 UTC, their extremes are ±infinity.
#include "relay/pg/row_decode.h"

#include <charconv>
#include <limits>

#include <nlohmann/json.hpp>

#include "common/ensure.h"
#include "common/text.h"

namespace relay::pg {
namespace {

using std::chrono::microseconds;

bool is_utf8(std::string_view bytes) { return common::valid_utf8(bytes) == bytes; }

constexpr PgTime kInfinity = std::numeric_limits<PgTime>::max();
constexpr PgTime kMinusInfinity = std::numeric_limits<PgTime>::min();
constexpr std::int64_t kEpochDistance = 946'684'800'000'000;  // 1970 to 2000

bool is_finite(PgTime time) { return time != kInfinity && time != kMinusInfinity; }

// later − earlier; infinities become the farthest distance.
microseconds distance(PgTime later, PgTime earlier) {
  if (later == kInfinity || earlier == kMinusInfinity) return microseconds::max();
  if (later == kMinusInfinity || earlier == kInfinity) return microseconds::min();
  return microseconds(later - earlier);  // finite timestamps span less than 2^63 µs
}

std::optional<PgTime> time(const Result& result, int row, int column) {
  if (result.is_null(row, column)) return std::nullopt;
  return result.integer(row, column);
}

microseconds due_in(const Result& result, int row, bool confirmed, const DecodeContext& context) {
  if (confirmed) {
    const auto next = time(result, row, column::next_attempt_at);
    return next ? distance(*next, context.now) : microseconds(0);
  }
  if (const auto next = time(result, row, column::next_check_at)) return distance(*next, context.now);
  const PgTime created = result.integer(row, column::created_at);
  if (!is_finite(created)) return microseconds(0);
  return distance(created, context.now) + context.check_back_first;
}

// The column's text; what is no UTF-8 is replaced and `defect` names the first such column.
std::string text(const Result& result, int row, int column, const char* name, const DecodeContext& context,
                 std::optional<std::string>* defect) {
  const std::string_view bytes = result.value(row, column);
  if (!context.unconverted || is_utf8(bytes)) return std::string(bytes);
  if (defect != nullptr && !*defect) *defect = std::string(name) + " has a byte that does not convert to UTF-8";
  return common::valid_utf8(bytes);
}

std::optional<std::string> optional_text(const Result& result, int row, int column, const char* name,
                                         const DecodeContext& context, std::optional<std::string>* defect) {
  if (result.is_null(row, column)) return std::nullopt;
  return text(result, row, column, name, context, defect);
}

std::uint64_t parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  ENSURE(error == std::errc() && end == text.data() + text.size(),
         "PostgreSQL prints snapshots and LSNs as it documents");
  return number;
}

}  // namespace

microseconds since_1970(PgTime time) {
  if (time > kInfinity - kEpochDistance) return microseconds::max();
  return microseconds(time + kEpochDistance);
}

core::Headline decode_headline(const Result& result, int row, const DecodeContext& context) {
  core::Headline headline;
  headline.id = core::RowId(result.integer(row, column::id));
  headline.topic = text(result, row, column::topic, "topic", context, nullptr);
  headline.key = optional_text(result, row, column::key, "message_key", context, nullptr);
  headline.dead = result.integer(row, column::status) == 2;
  headline.confirmed = result.integer(row, column::confirmed) != 0;
  headline.due_in = due_in(result, row, headline.confirmed, context);
  const PgTime created = result.integer(row, column::created_at);
  if (is_finite(created)) headline.created_at = since_1970(created);
  return headline;
}

core::Row decode_row(const Result& result, int row, const DecodeContext& context) {
  core::Row out;
  out.id = core::RowId(result.integer(row, column::id));
  out.topic = text(result, row, column::topic, "topic", context, &out.defect);
  out.key = optional_text(result, row, column::key, "message_key", context, &out.defect);
  out.body = optional_text(result, row, column::body, "body", context, &out.defect);
  out.msg_log_id = optional_text(result, row, column::msg_log_id, "msg_log_id", context, &out.defect);
  out.msg_log_url = optional_text(result, row, column::msg_log_url, "msg_log_url", context, &out.defect);
  if (!result.is_null(row, column::headers)) {
    std::string_view json = result.value(row, column::headers);
    if (!context.unconverted) json.remove_prefix(1);  // jsonb's binary form: a version byte, then its text
    if (auto headers = decode_headers(json)) {
      out.headers = std::move(*headers);
    } else if (!out.defect) {
      out.defect = is_utf8(json) ? "headers is no JSON object whose values are strings"
                                 : "headers has a byte that does not convert to UTF-8";
    }
  }
  out.confirmed = result.integer(row, column::confirmed) != 0;
  out.attempts = static_cast<int>(result.integer(row, column::attempts));
  out.checks = static_cast<int>(result.integer(row, column::checks));
  out.unknown_checks = static_cast<int>(result.integer(row, column::unknown_checks));
  out.redrives = static_cast<int>(result.integer(row, column::redrives));
  out.due_in = due_in(result, row, out.confirmed, context);
  if (const auto first_check = time(result, row, column::first_check_at)) {
    out.since_first_check = std::max(microseconds(0), distance(context.now, *first_check));
  }
  const PgTime created = result.integer(row, column::created_at);
  if (is_finite(created)) {
    out.created_at = since_1970(created);
    out.age = distance(context.now, created);
  } else if (!out.defect) {
    out.defect = "created_at is infinite";
  }
  return out;
}

core::Snapshot parse_snapshot(std::string_view text) {
  core::Snapshot snapshot;
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  ENSURE(second != std::string_view::npos, "PostgreSQL prints a snapshot as xmin:xmax:in progress");
  snapshot.xmin = core::TransactionId(parse_number(text.substr(0, first), 10));
  snapshot.xmax = core::TransactionId(parse_number(text.substr(first + 1, second - first - 1), 10));
  for (std::string_view rest = text.substr(second + 1); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    snapshot.in_progress.emplace_back(parse_number(rest.substr(0, comma), 10));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return snapshot;
}

core::Lsn parse_lsn(std::string_view text) {
  const std::size_t slash = text.find('/');
  ENSURE(slash != std::string_view::npos, "PostgreSQL prints an LSN as high/low");
  return core::Lsn((parse_number(text.substr(0, slash), 16) << 32) | parse_number(text.substr(slash + 1), 16));
}

core::Lsn without_page_header(core::Lsn insert, std::uint64_t block_bytes, std::uint64_t segment_bytes) {
  constexpr std::uint64_t kShortHeaderBytes = 24;  // XLogPageHeaderData, aligned
  constexpr std::uint64_t kLongHeaderBytes = 40;   // XLogLongPageHeaderData: a segment's first page
  const std::uint64_t in_block = insert.value() % block_bytes;
  const bool first_page = insert.value() % segment_bytes == in_block;
  const std::uint64_t header = first_page ? kLongHeaderBytes : kShortHeaderBytes;
  return in_block <= header ? core::Lsn(insert.value() - in_block) : insert;
}

std::optional<Headers> decode_headers(std::string_view json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return std::nullopt;
  Headers headers;
  headers.reserve(parsed.size());
  for (const auto& [name, value] : parsed.items()) {
    if (!value.is_string()) return std::nullopt;
    headers.emplace_back(name, value.get<std::string>());
  }
  return headers;
}

}  // namespace relay::pg
