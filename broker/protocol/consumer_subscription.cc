// Looking into a subscription, as far as its topics go.
#include "broker/protocol/consumer_subscription.h"

#include "broker/protocol/wire.h"

namespace broker::protocol {

std::optional<bool> names_topic(std::span<const std::byte> subscription, std::string_view topic) {
  WireReader in(subscription);
  if (in.integer<std::int16_t>() < 0) return std::nullopt;
  bool named = false;
  // A count that is too large ends with the bytes.
  for (auto left = in.integer<std::int32_t>(); left > 0 && in.ok(); --left) {
    const auto size = in.integer<std::int16_t>();
    if (size < 0) return std::nullopt;
    const auto name = in.take(static_cast<std::size_t>(size));
    if (std::string_view(reinterpret_cast<const char*>(name.data()), name.size()) == topic) named = true;
  }
  if (!in.ok()) return std::nullopt;
  return named;
}

}  // namespace broker::protocol
