// Varints and raw bytes; see wire.h.
#include "broker/protocol/wire.h"

namespace broker::protocol {

template <class Bits, int kBytesMax>
Bits WireReader::base128() {
  constexpr int kBits = static_cast<int>(sizeof(Bits)) * 8;
  Bits value = 0;
  for (int index = 0; index < kBytesMax; ++index) {
    if (at_ == end_) [[unlikely]] {
      fail(DecodeError::truncated);
      return 0;
    }
    const auto octet = std::to_integer<std::uint8_t>(*at_++);
    const int shift = index * 7;
    const auto payload = static_cast<Bits>(octet & 0x7FU);
    if (shift + 7 > kBits && (payload >> (kBits - shift)) != 0) break;
    value |= static_cast<Bits>(payload << shift);
    if ((octet & 0x80U) == 0) return value;
  }
  fail(DecodeError::bad_varint);
  return 0;
}

std::uint32_t WireReader::unsigned_varint() { return base128<std::uint32_t, 5>(); }

std::int32_t WireReader::varint() {
  const auto bits = base128<std::uint32_t, 5>();
  return static_cast<std::int32_t>((bits >> 1U) ^ (0U - (bits & 1U)));
}

std::int64_t WireReader::varlong() {
  const auto bits = base128<std::uint64_t, 10>();
  return static_cast<std::int64_t>((bits >> 1U) ^ (std::uint64_t{0} - (bits & 1U)));
}

void WireWriter::unsigned_varint(std::uint32_t value) {
  for (; value >= 0x80U; value >>= 7U) integer(static_cast<std::uint8_t>(value | 0x80U));
  integer(static_cast<std::uint8_t>(value));
}

void WireWriter::bytes(std::span<const std::byte> bytes) {
  ENSURE(remaining() >= bytes.size(), "a message is longer than it was measured");
  if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
  at_ += bytes.size();
}

}  // namespace broker::protocol
