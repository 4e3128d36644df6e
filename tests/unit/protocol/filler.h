// An io that fills a message with random values, only in fields that the version has, so that what is decoded after
// encoding must be equal. Bytes stay valid as long as the Filler lives.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "broker/protocol/fields.h"
#include "broker/protocol/types.h"
#include "broker/protocol/wire_form.h"

namespace broker::protocol {

class Filler {
 public:
  static constexpr bool kWritesMessage = true;

  Filler(std::uint64_t seed, WireForm form) : random_(seed), form_(form) {}

  template <class T>
  void field(T& value, Versions versions = {}) {
    if (versions.contain(form_.version)) fill(value, versions.null_from <= form_.version);
  }
  template <class T>
  void tagged(std::uint32_t, T& value, Versions versions) {
    if (form_.flexible && versions.contain(form_.version) && below(3) == 0) fill(value, true);
  }
  template <Described T>
  void fill(T& message, bool = true) {
    describe(*this, message);
  }

 private:
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }

  void fill(bool& value, bool = true) { value = below(2) == 1; }
  template <std::integral T>
  void fill(T& value, bool = true) {
    value = static_cast<T>(random_());
  }
  template <class T>
    requires std::is_enum_v<T>
  void fill(T& value, bool = true) {
    value = static_cast<T>(random_());
  }
  void fill(Uuid& value, bool = true) {
    for (auto& octet : value) octet = static_cast<std::uint8_t>(random_());
  }
  void fill(std::string& value, bool = true) {
    value.resize(below(20) == 0 ? below(300) : below(24));
    for (char& letter : value) letter = static_cast<char>('a' + below(26));
  }
  void fill(BytesView& value, bool = true) {
    std::vector<std::byte>& kept = kept_.emplace_back(below(4) == 0 ? below(200) : below(8));
    for (std::byte& octet : kept) octet = static_cast<std::byte>(random_());
    value = BytesView(kept);
  }
  template <class T>
  void fill(std::vector<T>& value, bool = true) {
    value.resize(below(4));
    for (T& element : value) fill(element);
  }
  template <class T>
  void fill(std::optional<T>& value, bool null_allowed = true) {
    if (null_allowed && below(4) == 0) {
      value.reset();
    } else {
      fill(value.emplace());
    }
  }

  std::mt19937_64 random_;
  WireForm form_;
  std::deque<std::vector<std::byte>> kept_;
};

}  // namespace broker::protocol
