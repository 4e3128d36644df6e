// A TCP server whose every byte a test decides: for answers no HTTP library would send.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace relay::http::testing {

// True once `condition` holds; false after half a minute.
bool eventually(const std::function<bool()>& condition);

class RawServer {
 public:
  // One accepted connection, its request's head already read.
  class Guest {
   public:
    Guest(int fd, const std::atomic<bool>& stopping) : fd_(fd), stopping_(stopping) {}
    // False: the peer is gone.
    bool send(const std::string& bytes) const;
    // Until the peer closes or the server stops.
    void wait_for_peer() const;
    // Closes with a reset instead of an end.
    void reset() const;
    [[nodiscard]] bool stopping() const { return stopping_; }

   private:
    int fd_;
    const std::atomic<bool>& stopping_;
  };
  using Script = std::function<void(const std::string& request, const Guest& guest)>;

  explicit RawServer(Script script);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string origin() const;
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void accept_all();
  void serve(int fd);

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> guests_;
  std::thread acceptor_;
};

// A whole answer with Content-Length.
std::string answer_text(int status, const std::string& body, const std::string& fields = "");

}  // namespace relay::http::testing
