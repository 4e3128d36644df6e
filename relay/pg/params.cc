// PostgreSQL's binary parameter formats.
#include "relay/pg/params.h"

#include "common/ensure.h"

namespace relay::pg {
namespace {

// pg_type's numbers, fixed for ever.
constexpr std::int32_t kBoolOid = 16;
constexpr std::int32_t kBigintOid = 20;
constexpr std::int32_t kIntOid = 23;
constexpr std::int32_t kTextOid = 25;

template <class Number>
void append_big_endian(std::string& out, Number number) {
  for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> shift));
  }
}

void append_array_header(std::string& out, std::size_t count, std::int32_t element_oid, bool has_nulls) {
  ENSURE(count <= 0x7fffffff, "an array parameter is bounded by the batch that made it");
  append_big_endian<std::int32_t>(out, count == 0 ? 0 : 1);  // dimensions
  append_big_endian<std::int32_t>(out, has_nulls ? 1 : 0);
  append_big_endian<std::int32_t>(out, element_oid);
  if (count == 0) return;
  append_big_endian<std::int32_t>(out, static_cast<std::int32_t>(count));
  append_big_endian<std::int32_t>(out, 1);  // lower bound
}

template <class Number>
std::string number_array(std::span<const Number> values, std::int32_t element_oid) {
  std::string out;
  out.reserve(20 + values.size() * (4 + sizeof(Number)));
  append_array_header(out, values.size(), element_oid, false);
  for (const Number value : values) {
    append_big_endian<std::int32_t>(out, sizeof(Number));
    append_big_endian<Number>(out, value);
  }
  return out;
}

}  // namespace

Params& Params::add_int(std::int32_t value) {
  append_big_endian(values_.emplace_back(std::in_place).value(), value);
  return *this;
}

Params& Params::add_bigint(std::int64_t value) {
  append_big_endian(values_.emplace_back(std::in_place).value(), value);
  return *this;
}

Params& Params::add_text(std::string_view value) {
  values_.emplace_back(std::in_place, value);
  return *this;
}

Params& Params::add_null() {
  values_.emplace_back(std::nullopt);
  return *this;
}

Params& Params::add_bigints(std::span<const std::int64_t> values) {
  values_.emplace_back(number_array(values, kBigintOid));
  return *this;
}

Params& Params::add_ints(std::span<const std::int32_t> values) {
  values_.emplace_back(number_array(values, kIntOid));
  return *this;
}

Params& Params::add_booleans(const std::vector<bool>& values) {
  std::string out;
  append_array_header(out, values.size(), kBoolOid, false);
  for (const bool value : values) {
    append_big_endian<std::int32_t>(out, 1);
    out.push_back(value ? 1 : 0);
  }
  values_.emplace_back(std::move(out));
  return *this;
}

Params& Params::add_texts(std::span<const std::optional<std::string>> values) {
  std::string out;
  bool has_nulls = false;
  for (const auto& value : values) has_nulls = has_nulls || !value;
  append_array_header(out, values.size(), kTextOid, has_nulls);
  for (const auto& value : values) {
    if (value) {
      append_big_endian(out, static_cast<std::int32_t>(value->size()));
      out += *value;
    } else {
      append_big_endian<std::int32_t>(out, -1);
    }
  }
  values_.emplace_back(std::move(out));
  return *this;
}

}  // namespace relay::pg
