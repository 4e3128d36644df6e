// A broker of a few hundred lines that keeps records in memory and answers whatever clients need to produce and to
// consume alone in a group. It knows no durability and no rebalance: it is there so that real clients talk to the codec
// itself, and to record what they send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/protocol/headers.h"

namespace broker::protocol {

class ScriptedBroker {
 public:
  // A whole request frame with its length, before it is answered. Called by one thread at a time.
  using Observer = std::function<void(const RequestHeader&, std::span<const std::byte> frame)>;

  // Listens on 127.0.0.1; port 0: a free one. Serves until it is destroyed.
  explicit ScriptedBroker(std::uint16_t port = 0, Observer observer = {});
  ~ScriptedBroker();
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // What could not be decoded, had bytes left over or held a bad batch; empty when all was well.
  [[nodiscard]] std::vector<std::string> complaints() const;
  // How often an API was asked for.
  [[nodiscard]] int requests(ApiKey key) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace broker::protocol
