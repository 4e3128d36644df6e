// The engine's decoding half: an `io` whose describe() fills the message. Knows compact and classic forms, null, tagged
// fields and the limits; the messages know none of it. Included only where messages are compiled (messages_*.cc).
//
// A struct of a flexible version is described once for its fields, then once for every tagged field found behind them:
// tagged fields are few, and the messages stay one flat list. Unknown tags are skipped.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/protocol/codec.h"
#include "broker/protocol/encoder.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/types.h"
#include "broker/protocol/wire.h"

namespace broker::protocol {

class Decoder {
 public:
  static constexpr bool kWritesMessage = true;

  Decoder(std::span<const std::byte> input, WireForm form, const DecodeLimits& limits)
      : in_(input),
        form_(form),
        limits_(limits),
        budget_bytes_(std::max(limits.allocation_floor_bytes, limits.allocation_factor * input.size())) {}

  [[nodiscard]] DecodeError error() const { return in_.error(); }
  [[nodiscard]] std::size_t remaining() const { return in_.remaining(); }

  template <class T>
  void field(T& value, Versions versions = {}) {
    if (tag_ == kNoTag && versions.contain(form_.version)) read(value);
  }
  template <class T>
  void tagged(std::uint32_t id, T& value, Versions versions) {
    if (tag_ != id || !versions.contain(form_.version)) return;
    if constexpr (is_optional_struct<T>) {
      read(value.emplace());
    } else {
      read(value);
    }
  }

  template <Described T>
  void read(T& message) {
    const std::uint32_t outer = std::exchange(tag_, kNoTag);
    describe(*this, message);
    if (form_.flexible) read_tags(message);
    tag_ = outer;
  }

 private:
  static constexpr std::uint32_t kNoTag = UINT32_MAX;

  void read(bool& value) { value = in_.integer<std::int8_t>() != 0; }
  template <std::integral T>
  void read(T& value) {
    value = in_.integer<T>();
  }
  template <class T>
    requires std::is_enum_v<T>
  void read(T& value) {
    value = static_cast<T>(in_.integer<std::underlying_type_t<T>>());
  }
  void read(Uuid& value) {
    const auto bytes = in_.take(value.size());
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), value.size());
  }
  void read(std::string& value) { required(read_string(value)); }
  void read(std::optional<std::string>& value) {
    if (!read_string(value.emplace())) value.reset();
  }
  void read(BytesView& value) { required(read_bytes(value)); }
  void read(std::optional<BytesView>& value) {
    if (!read_bytes(value.emplace())) value.reset();
  }
  template <class T>
  void read(std::vector<T>& value) {
    required(read_array(value));
  }
  template <class T>
  void read(std::optional<std::vector<T>>& value) {
    if (!read_array(value.emplace())) value.reset();
  }

  void required(bool present) {
    if (!present) in_.fail(DecodeError::null_not_allowed);
  }
  // A length in its compact or classic form; −1: null.
  template <class Classic>
  std::int64_t read_length() {
    if (form_.flexible) return static_cast<std::int64_t>(in_.unsigned_varint()) - 1;
    const std::int64_t length = in_.integer<Classic>();
    if (length < -1) in_.fail(DecodeError::bad_length);
    return length;
  }
  // False: null. After an error: empty and true.
  bool read_string(std::string& value) {
    const std::int64_t length = read_length<std::int16_t>();
    if (!in_.ok()) return true;
    if (length < 0) return false;
    if (length > kStringBytesMax) {
      in_.fail(DecodeError::bad_length);
      return true;
    }
    const auto bytes = in_.take(static_cast<std::size_t>(length));
    if (bytes.size() > value.capacity() && !charge(bytes.size() + 1)) return true;
    value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
  bool read_bytes(BytesView& value) {
    const std::int64_t length = read_length<std::int32_t>();
    if (!in_.ok()) return true;
    if (length < 0) return false;
    value = BytesView(in_.take(static_cast<std::size_t>(length)));
    return true;
  }
  template <class T>
  bool read_array(std::vector<T>& value) {
    const std::int64_t length = read_length<std::int32_t>();
    if (!in_.ok()) return true;
    if (length < 0) return false;
    const auto count = static_cast<std::size_t>(length);
    if (count > in_.remaining() / smallest<T>(form_)) {
      in_.fail(DecodeError::truncated);
      return true;
    }
    if (count > limits_.elements_max - elements_) {
      in_.fail(DecodeError::too_many_elements);
      return true;
    }
    elements_ += static_cast<std::uint32_t>(count);
    if (!charge(count * sizeof(T))) return true;
    value.resize(count);
    for (T& element : value) {
      read(element);
      if (!in_.ok()) break;
    }
    return true;
  }
  bool charge(std::size_t bytes) {
    if (bytes > budget_bytes_) {
      in_.fail(DecodeError::over_budget);
      return false;
    }
    budget_bytes_ -= bytes;
    return true;
  }

  template <Described T>
  void read_tags(T& message) {
    const std::uint32_t count = in_.unsigned_varint();
    if (count > limits_.tags_max) in_.fail(DecodeError::too_many_tags);
    for (std::uint32_t index = 0; index < count && in_.ok(); ++index) {
      tag_ = in_.unsigned_varint();
      const auto payload = in_.take(in_.unsigned_varint());
      if (!in_.ok() || tag_ == kNoTag) continue;
      const WireReader behind = std::exchange(in_, WireReader(payload));
      describe(*this, message);
      const DecodeError error = in_.error();
      in_ = behind;
      if (error != DecodeError::none) in_.fail(error);
    }
  }

  WireReader in_;
  WireForm form_;
  const DecodeLimits& limits_;
  std::size_t budget_bytes_;
  std::uint32_t elements_ = 0;
  std::uint32_t tag_ = kNoTag;
};

}  // namespace broker::protocol
