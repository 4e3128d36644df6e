// See bounded_input.h.
#include "broker/protocol/bounded_input.h"

namespace broker::protocol {

// −1: null.
template <class Classic>
std::int64_t BoundedInput::read_length() {
  if (form_.flexible) return static_cast<std::int64_t>(reader_.unsigned_varint()) - 1;
  const std::int64_t length = reader_.integer<Classic>();
  if (length < -1) reader_.fail(DecodeError::bad_length);
  return length;
}

bool BoundedInput::charge(std::size_t bytes) {
  if (bytes > budget_bytes_) {
    reader_.fail(DecodeError::over_budget);
    return false;
  }
  budget_bytes_ -= bytes;
  return true;
}

bool BoundedInput::read_string(std::string& value) {
  const std::int64_t length = read_length<std::int16_t>();
  if (!ok()) return true;
  if (length < 0) return false;
  if (length > kStringBytesMax) {
    reader_.fail(DecodeError::bad_length);
    return true;
  }
  const auto bytes = reader_.take(static_cast<std::size_t>(length));
  // A string that outgrows its own room takes twice that at least.
  if (bytes.size() > value.capacity() && !charge(std::max(bytes.size(), 2 * value.capacity()) + 1)) return true;
  value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return true;
}

bool BoundedInput::read_bytes(BytesView& value) {
  const std::int64_t length = read_length<std::int32_t>();
  if (!ok()) return true;
  if (length < 0) return false;
  value = BytesView(reader_.take(static_cast<std::size_t>(length)));
  return true;
}

std::optional<std::size_t> BoundedInput::read_count(std::size_t wire_bytes, std::size_t memory_bytes) {
  const std::int64_t length = read_length<std::int32_t>();
  if (!ok()) return 0;
  if (length < 0) return std::nullopt;
  const auto count = static_cast<std::size_t>(length);
  if (count > reader_.remaining() / wire_bytes) {
    reader_.fail(DecodeError::truncated);
    return 0;
  }
  if (count > limits_.elements_max - elements_) {
    reader_.fail(DecodeError::too_many_elements);
    return 0;
  }
  elements_ += static_cast<std::uint32_t>(count);
  return charge(count * memory_bytes) ? count : 0;
}

std::uint32_t BoundedInput::read_tag_count() {
  const std::uint32_t count = reader_.unsigned_varint();
  if (count > limits_.tags_max) reader_.fail(DecodeError::too_many_tags);
  return ok() ? count : 0;
}

}  // namespace broker::protocol
