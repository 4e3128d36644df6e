// The CheckBack over HTTP: asks the owner of an unclear row what became of its business (CONTRACTS §3).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "relay/core/check_back.h"

namespace relay::http {

struct CheckBackConfig {
  std::string source;  // the message id's first part
  std::vector<std::string> allow{"http://127.0.0.1:*", "http://localhost:*"};
  std::chrono::milliseconds timeout{3000};  // of one call: name, connection, answer
  int in_flight = 32;
};

// Thread-safe. The handler is called on the client's threads, one call at a time.
class CheckBackClient final : public core::CheckBack {
 public:
  // Throws common::Error (configuration) for an entry of `allow` that is none.
  explicit CheckBackClient(CheckBackConfig config);
  ~CheckBackClient() override;  // breaks off the calls under way; they get no answer

  void on_answer(AnswerHandler handler) override;
  // Makes no call for what it may not ask: the answer not_allowed comes like any other.
  bool ask(const core::Row& row) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace relay::http
