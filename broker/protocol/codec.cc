// The names of decoding errors, for log lines.
#include "broker/protocol/codec.h"

namespace broker::protocol {

std::string_view name(DecodeError error) noexcept {
  switch (error) {
    case DecodeError::none:
      return "none";
    case DecodeError::truncated:
      return "truncated";
    case DecodeError::bad_length:
      return "bad length";
    case DecodeError::bad_varint:
      return "bad varint";
    case DecodeError::null_not_allowed:
      return "null not allowed";
    case DecodeError::too_many_tags:
      return "too many tagged fields";
    case DecodeError::too_many_elements:
      return "too many array elements";
    case DecodeError::over_budget:
      return "over the memory budget";
    case DecodeError::unsupported_version:
      return "unsupported version";
  }
  return "unknown";
}

}  // namespace broker::protocol
