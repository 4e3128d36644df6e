// The engine's decoding half: an `io` whose describe() fills the message. Compact and classic forms, null and tagged
// fields are known here and in the encoder alone. Included only where messages are compiled (messages_*.cc).
//
// A struct of a flexible version is described once for its fields, then once for every tagged field found behind them:
// tagged fields are few, and the messages stay one flat list. Unknown tags are skipped.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/protocol/bounded_input.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/encoder.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/types.h"
#include "broker/protocol/wire_form.h"

namespace broker::protocol {

class Decoder {
 public:
  static constexpr bool kWritesMessage = true;

  Decoder(std::span<const std::byte> input, WireForm form, const DecodeLimits& limits) : in_(input, form, limits) {}

  [[nodiscard]] DecodeError error() const { return in_.reader().error(); }
  [[nodiscard]] std::size_t remaining() const { return in_.reader().remaining(); }

  template <class T>
  void field(T& value, Versions versions = {}) {
    if (tag_ != kNoTag || !versions.contain(in_.form().version)) return;
    read(value);
    // As in Kafka, a version that cannot say null does not understand it either.
    if constexpr (requires { value.has_value(); }) {
      required(value.has_value() || versions.null_from <= in_.form().version);
    }
  }
  template <class T>
  void tagged(std::uint32_t id, T& value, Versions versions) {
    if (tag_ != id || !versions.contain(in_.form().version)) return;
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
    if (in_.form().flexible) read_tags(message);
    tag_ = outer;
  }

 private:
  static constexpr std::uint32_t kNoTag = UINT32_MAX;

  void read(bool& value) { value = in_.reader().integer<std::int8_t>() != 0; }
  template <std::integral T>
  void read(T& value) {
    value = in_.reader().integer<T>();
  }
  template <class T>
    requires std::is_enum_v<T>
  void read(T& value) {
    value = static_cast<T>(in_.reader().integer<std::underlying_type_t<T>>());
  }
  void read(Uuid& value) {
    const auto bytes = in_.reader().take(value.size());
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), value.size());
  }
  void read(std::string& value) { required(in_.read_string(value)); }
  void read(BytesView& value) { required(in_.read_bytes(value)); }
  template <class T>
  void read(std::vector<T>& value) {
    required(read_array(value));
  }
  void read(std::optional<std::string>& value) {
    if (!in_.read_string(value.emplace())) value.reset();
  }
  void read(std::optional<BytesView>& value) {
    if (!in_.read_bytes(value.emplace())) value.reset();
  }
  template <class T>
  void read(std::optional<std::vector<T>>& value) {
    if (!read_array(value.emplace())) value.reset();
  }

  void required(bool present) {
    if (!present) in_.reader().fail(DecodeError::null_not_allowed);
  }
  // False: null.
  template <class T>
  bool read_array(std::vector<T>& value) {
    const auto count = in_.read_count(smallest<T>(in_.form()), sizeof(T));
    if (!count) return false;
    value.resize(*count);
    for (T& element : value) {
      read(element);
      if (!in_.ok()) break;
    }
    return true;
  }
  template <Described T>
  void read_tags(T& message) {
    const std::uint32_t count = in_.read_tag_count();
    for (std::uint32_t index = 0; index < count && in_.ok(); ++index) {
      tag_ = in_.reader().unsigned_varint();
      const auto payload = in_.reader().take(in_.reader().unsigned_varint());
      if (!in_.ok() || tag_ == kNoTag) continue;
      const WireReader outer = in_.enter(payload);
      describe(*this, message);
      in_.leave(outer);
    }
  }

  BoundedInput in_;
  std::uint32_t tag_ = kNoTag;
};

}  // namespace broker::protocol
