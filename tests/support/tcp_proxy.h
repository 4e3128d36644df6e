// A TCP gate between two programs under test that can be told to stall, refuse, reset, delay and cut: the outages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace test_support {

// Thread-safe. Every call takes effect before it returns.
class TcpProxy {
 public:
  enum class Direction { to_target, to_client };

  // Listens on a free port of 127.0.0.1 and passes all on to that port there. Throws common::Error.
  explicit TcpProxy(std::uint16_t target_port);
  ~TcpProxy();  // resets what is open
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  // Connecting works and connections stay, but not one more byte passes, nor an end of stream, in either direction.
  void blackhole();
  // Resets all connections and lets nobody connect.
  void refuse();
  // Resets the connections of now; new ones pass.
  void reset();
  // Every byte takes this long, each way; the order stays.
  void delay(std::chrono::milliseconds each_way);
  // Once: passes so many more bytes in that direction, all connections counted, then resets the one that carried them.
  void cut_after(std::size_t bytes, Direction direction);
  // Ends blackhole, refuse, delay and a cut that has not happened; what a blackhole held back passes now.
  void resume();

  [[nodiscard]] std::size_t connections() const;  // open now
  [[nodiscard]] std::uint64_t accepted() const;   // ever
  [[nodiscard]] std::uint64_t bytes_passed(Direction direction) const;
  [[nodiscard]] bool cut_happened() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace test_support
