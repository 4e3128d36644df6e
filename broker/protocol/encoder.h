// The engine's encoding half: an `io` whose describe() writes the message, or with a WireSizer measures it: one code
// for both, so that a size is never wrong. Included only where messages are compiled (messages_*.cc).
//
// A struct of a flexible version is described twice when it has tagged fields that differ from their default: first for
// its fields, counting those, then for the tagged ones, whose ids must ascend in describe.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/protocol/fields.h"
#include "broker/protocol/types.h"
#include "broker/protocol/wire.h"
#include "broker/protocol/wire_form.h"

namespace broker::protocol {

template <class Sink>
class Encoder {
 public:
  static constexpr bool kWritesMessage = false;

  Encoder(Sink& out, WireForm form) : out_(out), form_(form) {}

  template <class T>
  void field(const T& value, Versions versions = {}) {
    static_assert(!is_optional_struct<T>, "only a tagged field may be an optional struct");
    if (!in_tags_ && versions.contain(form_.version)) write(value, versions.null_from <= form_.version);
  }
  template <class T>
  void tagged(std::uint32_t id, const T& value, Versions versions) {
    if (!form_.flexible || !versions.contain(form_.version) || value == T{}) return;
    if (in_tags_) {
      write_tag(id, value);
    } else {
      ++tags_;
    }
  }

  template <Described T>
  void write(const T& message, bool = true) {
    const bool outer_in_tags = std::exchange(in_tags_, false);
    const std::uint32_t outer_tags = std::exchange(tags_, 0);
    describe(*this, message);
    if (form_.flexible) {
      out_.unsigned_varint(tags_);
      in_tags_ = true;
      if (tags_ > 0) describe(*this, message);
    }
    in_tags_ = outer_in_tags;
    tags_ = outer_tags;
  }

 private:
  void write(bool value, bool = true) { out_.integer(static_cast<std::int8_t>(value ? 1 : 0)); }
  template <std::integral T>
  void write(T value, bool = true) {
    out_.integer(value);
  }
  template <class T>
    requires std::is_enum_v<T>
  void write(T value, bool = true) {
    out_.integer(static_cast<std::underlying_type_t<T>>(value));
  }
  void write(const Uuid& value, bool = true) { out_.bytes(std::as_bytes(std::span(value))); }
  // Only messages of errors can be too long for the wire; their end is cut off.
  void write(const std::string& value, bool = true) {
    const std::string_view text = std::string_view(value).substr(0, kStringBytesMax);
    write_length<std::int16_t>(text.size());
    out_.bytes(std::as_bytes(std::span(text)));
  }
  void write(const BytesView& value, bool = true) {
    write_length<std::int32_t>(value.size());
    out_.view(value.span());
  }
  template <class T>
  void write(const std::vector<T>& value, bool = true) {
    write_length<std::int32_t>(value.size());
    for (const T& element : value) write(element);
  }
  template <class T>
  void write(const std::optional<T>& value, bool null_allowed = true) {
    using Length = std::conditional_t<std::is_same_v<T, std::string>, std::int16_t, std::int32_t>;
    if (value || is_optional_struct<std::optional<T>>) {
      write(*value);  // an optional struct is a tagged field, and comes here only when there is one
    } else if (null_allowed) {
      write_null<Length>();
    } else {
      write_length<Length>(0);
    }
  }

  template <class Classic>
  void write_length(std::size_t length) {
    ENSURE(length < INT32_MAX, "a message part of 2 GiB");
    if (form_.flexible) {
      out_.unsigned_varint(static_cast<std::uint32_t>(length) + 1);
    } else {
      out_.integer(static_cast<Classic>(length));
    }
  }
  template <class Classic>
  void write_null() {
    if (form_.flexible) {
      out_.unsigned_varint(0);
    } else {
      out_.integer(Classic{-1});
    }
  }
  template <class T>
  void write_tag(std::uint32_t id, const T& value) {
    WireSizer sizer;
    Encoder<WireSizer>(sizer, form_).write(value);
    out_.unsigned_varint(id);
    out_.unsigned_varint(static_cast<std::uint32_t>(sizer.size()));
    write(value);
  }
  template <class>
  friend class Encoder;
  template <class T>
  friend std::size_t smallest(WireForm form);

  Sink& out_;
  WireForm form_;
  bool in_tags_ = false;
  std::uint32_t tags_ = 0;
};

// The fewest bytes a T takes: all of its strings and arrays empty. What bounds the count of an array.
template <class T>
std::size_t smallest(WireForm form) {
  WireSizer sizer;
  Encoder<WireSizer>(sizer, form).write(T{});
  return sizer.size();
}

}  // namespace broker::protocol
