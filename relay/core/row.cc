// What a row weighs in the relay's memory.
#include "relay/core/row.h"

namespace relay::core {

std::size_t Row::bytes() const {
  std::size_t total = sizeof(Row) + topic.size() + (key ? key->size() : 0) + (body ? body->size() : 0);
  for (const auto& [name, value] : headers) total += name.size() + value.size();
  return total;
}

}  // namespace relay::core
