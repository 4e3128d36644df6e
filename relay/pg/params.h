// Values on their way into a statement, in PostgreSQL's binary format (big-endian integers, arrays with a header as in
// the server's array_recv). Pure; no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace relay::pg {

// In the order of $1, $2, …; the statement's casts name the types, which must be the ones of the calls here.
class Params {
 public:
  Params& add_int(std::int32_t value);       // integer
  Params& add_bigint(std::int64_t value);    // bigint
  Params& add_text(std::string_view value);  // text, uuid as text: `$1::text::uuid`
  Params& add_null();
  Params& add_bigints(std::span<const std::int64_t> values);              // bigint[]
  Params& add_ints(std::span<const std::int32_t> values);                 // integer[]
  Params& add_booleans(const std::vector<bool>& values);                  // boolean[]
  Params& add_texts(std::span<const std::optional<std::string>> values);  // text[]

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const std::optional<std::string>& value(std::size_t index) const { return values_[index]; }

 private:
  std::vector<std::optional<std::string>> values_;
};

}  // namespace relay::pg
