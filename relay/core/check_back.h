// The seam to the owner's check-back (CONTRACTS §3). Implemented by relay/http on cpp-httplib, by a simulation in
// tests.
#pragma once

#include <functional>
#include <string>

#include "relay/core/row.h"

namespace relay::core {

enum class Verdict {
  committed,
  rolled_back,
  in_progress,  // 425, 429, 5xx or no complete answer: spends the budget only
  unknown,      // any other answer: spends the limit
  not_allowed,  // the URL is not on the allow-list, or there is nothing to ask: no call was made
};

struct CheckBackAnswer {
  RowId id;
  Verdict verdict = Verdict::unknown;
  std::string detail;  // readable, for fail_msg: what came instead, or the setting to change; no query string
};

// Thread-safe. ask() never blocks: at most `in_flight` calls run at once.
class CheckBack {
 public:
  using AnswerHandler = std::function<void(CheckBackAnswer)>;
  virtual ~CheckBack() = default;
  virtual void on_answer(AnswerHandler handler) = 0;  // called on a thread of its own; set once, before the first ask
  // False: all calls are busy, ask again after the next answer.
  virtual bool ask(const Row& row) = 0;
};

}  // namespace relay::core
