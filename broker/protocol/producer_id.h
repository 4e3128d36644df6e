// InitProducerId (key 22), versions 0–4: the number that makes a producer idempotent. KIP-98, KIP-360.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct InitProducerIdRequest {
  static constexpr ApiKey kKey = ApiKey::init_producer_id;
  std::optional<std::string> transactional_id{};
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;     // v3
  std::int16_t producer_epoch = -1;  // v3
  bool operator==(const InitProducerIdRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, InitProducerIdRequest>& m) {
  io.field(m.transactional_id);
  io.field(m.transaction_timeout_ms);
  io.field(m.producer_id, since(3));
  io.field(m.producer_epoch, since(3));
}

struct InitProducerIdResponse {
  static constexpr ApiKey kKey = ApiKey::init_producer_id;
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;
  bool operator==(const InitProducerIdResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, InitProducerIdResponse>& m) {
  io.field(m.throttle_time_ms);
  io.field(m.error_code);
  io.field(m.producer_id);
  io.field(m.producer_epoch);
}

}  // namespace broker::protocol
