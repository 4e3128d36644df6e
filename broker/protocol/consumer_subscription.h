// What a consumer tells its group of itself: the beginning of the "consumer" protocol's subscription, versions 0–3
// (KIP-429 and KIP-792 added fields behind it). Metadata of JoinGroup, which the broker otherwise never looks into.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace broker::protocol {

// Does the subscription name this topic? None: it cannot be read.
[[nodiscard]] std::optional<bool> names_topic(std::span<const std::byte> subscription, std::string_view topic);

}  // namespace broker::protocol
