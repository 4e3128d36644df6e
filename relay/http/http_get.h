// One GET over one new connection, within one deadline for all of it: name, connection, request, answer.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "relay/http/check_url.h"
#include "relay/http/response_reader.h"

namespace relay::http {

using Deadline = std::chrono::steady_clock::time_point;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  ResponseReader::State state = ResponseReader::State::head;  // head or body: it is not complete
  int status = 0;
  std::string body;
  std::string problem;  // why it is not complete: "connection refused", "no answer within the time-out", …
};

// Names are looked up on threads of their own, because getaddrinfo() knows no time-out: whoever asks waits until the
// deadline, the look-up may go on. Thread-safe. At most `lookups_max` at once; the next one fails at once.
class Resolver {
 public:
  explicit Resolver(int lookups_max);
  struct Address {
    std::vector<char> bytes;  // a sockaddr
  };
  // Empty: `problem` says why.
  std::vector<Address> resolve(const std::string& host, std::uint16_t port, Deadline deadline, std::string& problem);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Blocks until the answer, the deadline, or until `stop_fd` becomes readable. Never throws for what the network does.
[[nodiscard]] Answer http_get(const CheckUrl& url, const Fields& fields, Deadline deadline, int stop_fd,
                              Resolver& resolver);

}  // namespace relay::http
