// The decoder's input: lengths in their compact or classic form, every one held against what is left and against
// DecodeLimits before memory is asked for. Errors are sticky, as in WireReader.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "broker/protocol/codec.h"
#include "broker/protocol/types.h"
#include "broker/protocol/wire.h"
#include "broker/protocol/wire_form.h"

namespace broker::protocol {

class BoundedInput {
 public:
  BoundedInput(std::span<const std::byte> input, WireForm form, const DecodeLimits& limits)
      : reader_(input),
        form_(form),
        limits_(limits),
        budget_bytes_(std::max(limits.allocation_floor_bytes, limits.allocation_factor * input.size())) {}

  [[nodiscard]] WireReader& reader() { return reader_; }
  [[nodiscard]] const WireReader& reader() const { return reader_; }
  [[nodiscard]] WireForm form() const { return form_; }
  [[nodiscard]] bool ok() const { return reader_.ok(); }

  // False: null. After an error: true, and the value is empty.
  bool read_string(std::string& value);
  bool read_bytes(BytesView& value);

  // The count of an array whose elements take at least `wire_bytes` here and `memory_bytes` there; none: null.
  // Charges the budget. After an error: 0.
  std::optional<std::size_t> read_count(std::size_t wire_bytes, std::size_t memory_bytes);
  std::uint32_t read_tag_count();

  // Reads on in `payload` alone; what is returned goes to leave(), which keeps an error from inside.
  [[nodiscard]] WireReader enter(std::span<const std::byte> payload) {
    return std::exchange(reader_, WireReader(payload));
  }
  void leave(const WireReader& outer) {
    const DecodeError error = reader_.error();
    reader_ = outer;
    if (error != DecodeError::none) reader_.fail(error);
  }

 private:
  template <class Classic>
  std::int64_t read_length();
  bool charge(std::size_t bytes);

  WireReader reader_;
  WireForm form_;
  const DecodeLimits& limits_;
  std::size_t budget_bytes_;
  std::uint32_t elements_ = 0;
};

}  // namespace broker::protocol
