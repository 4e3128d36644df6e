// Headers and sizes of one record. On the hot path: own_headers() once for every row.
#include "relay/kafka/record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace relay::kafka {
namespace {

// Bytes of a batch before its first record: base offset, length, leader epoch, magic, CRC, attributes, last offset
// delta, two timestamps, producer id and epoch, base sequence, record count.
constexpr std::int64_t kBatchHeaderBytes = 61;

std::int64_t varint_bytes(std::int64_t value) {
  auto zigzag = (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
  std::int64_t bytes = 1;
  while (zigzag >= 0x80) {
    zigzag >>= 7U;
    ++bytes;
  }
  return bytes;
}

// A length and as many bytes; null is the length −1 and none.
std::int64_t field_bytes(std::size_t size) {
  return varint_bytes(static_cast<std::int64_t>(size)) + static_cast<std::int64_t>(size);
}

std::int64_t nullable_bytes(const std::optional<std::string>& field) { return field ? field_bytes(field->size()) : 1; }

void put_digits(char* end, unsigned value, int digits) {
  for (int i = 0; i < digits; ++i) {
    *--end = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::string rfc3339(std::chrono::microseconds since_1970) {
  const std::chrono::sys_time<std::chrono::microseconds> time{since_1970};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss<std::chrono::microseconds> clock{time - day};
  const int year = static_cast<int>(date.year());
  // Four digits are all that RFC 3339 knows; PostgreSQL knows more years, which keep their digits and their sign.
  std::string text = year >= 0 && year <= 9999 ? "0000" : std::to_string(year);
  if (year >= 0 && year <= 9999) put_digits(text.data() + 4, static_cast<unsigned>(year), 4);
  char rest[] = "-00-00T00:00:00.000000Z";
  put_digits(rest + 3, static_cast<unsigned>(date.month()), 2);
  put_digits(rest + 6, static_cast<unsigned>(date.day()), 2);
  put_digits(rest + 9, static_cast<unsigned>(clock.hours().count()), 2);
  put_digits(rest + 12, static_cast<unsigned>(clock.minutes().count()), 2);
  put_digits(rest + 15, static_cast<unsigned>(clock.seconds().count()), 2);
  put_digits(rest + 22, static_cast<unsigned>(clock.subseconds().count()), 6);
  return text.append(rest, sizeof rest - 1);
}

core::PublishOutcome refusal(const core::Row& row, const char* error_class, std::string message, bool permanent) {
  core::PublishOutcome outcome;
  outcome.id = row.id;
  outcome.scope = core::Scope::row;
  outcome.permanent = permanent;
  outcome.error_class = error_class;
  outcome.message = std::move(message);
  return outcome;
}

}  // namespace

OwnHeaders own_headers(std::string_view source, const core::Row& row) {
  std::array<char, 48> numbers{};
  constexpr std::size_t kDigitsMax = 20;  // of 64 bits, with sign
  char* at = std::to_chars(numbers.data(), numbers.data() + kDigitsMax, row.id.value()).ptr;
  *at++ = '-';
  at = std::to_chars(at, at + kDigitsMax, row.created_at.count()).ptr;
  OwnHeaders headers;
  headers.message_id.reserve(source.size() + 1 + numbers.size());
  headers.message_id.append(source).append("/").append(numbers.data(), at);
  headers.created_at = rfc3339(row.created_at);
  if (row.redrives > 0) headers.redrive = std::to_string(row.redrives);
  return headers;
}

bool is_topic_name(std::string_view topic) {
  if (topic.empty() || topic.size() > 249 || topic == "." || topic == "..") return false;
  return std::ranges::all_of(topic, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::int64_t single_batch_bytes(std::string_view source, const core::Row& row) {
  const OwnHeaders own = own_headers(source, row);
  std::int64_t header_count = 2;
  std::int64_t record = 1 + 1 + 1;  // attributes, timestamp delta 0, offset delta 0
  record += nullable_bytes(row.key) + nullable_bytes(row.body);
  record += field_bytes(std::strlen("outbox-message-id")) + field_bytes(own.message_id.size());
  record += field_bytes(std::strlen("outbox-created-at")) + field_bytes(own.created_at.size());
  if (!own.redrive.empty()) {
    ++header_count;
    record += field_bytes(std::strlen("outbox-redrive")) + field_bytes(own.redrive.size());
  }
  for (const auto& [name, value] : row.headers) {
    ++header_count;
    record += field_bytes(name.size()) + field_bytes(value.size());
  }
  record += varint_bytes(header_count);
  return kBatchHeaderBytes + varint_bytes(record) + record;
}

std::optional<core::PublishOutcome> refuse_form(const core::Row& row) {
  if (row.defect) return refusal(row, "unpublishable_row", *row.defect, true);
  if (!is_topic_name(row.topic))
    return refusal(row, "invalid_topic",
                   row.topic.empty() ? "topic is empty"
                                     : "topic is not 1 to 249 characters of A-Z a-z 0-9 . _ - (nor \".\" or \"..\")",
                   true);
  for (const auto& [name, value] : row.headers) {
    if (name.empty()) return refusal(row, "invalid_headers", "headers: a name is empty", true);
    if (name.starts_with("outbox-"))
      return refusal(row, "invalid_headers", "headers: names that begin with outbox- are the relay's own", true);
  }
  return std::nullopt;
}

core::PublishOutcome too_large(const core::Row& row, std::int64_t bytes, std::int64_t limit, std::string_view setting) {
  return refusal(row, "message_too_large",
                 "message of " + std::to_string(bytes) + " bytes is larger than " + std::string(setting) + " = " +
                     std::to_string(limit),
                 false);
}

}  // namespace relay::kafka
