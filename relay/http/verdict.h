// From a check-back's answer to a verdict: CONTRACTS §3's table, pure. Status code and body must agree.
#pragma once

#include <string>
#include <string_view>

#include "relay/core/check_back.h"

namespace relay::http {

struct Judgement {
  core::Verdict verdict = core::Verdict::unknown;
  std::string detail;  // what came instead, readable; never the body's own text
};

// A complete answer. `too_large`: its body is beyond the limit and was not read to its end.
[[nodiscard]] Judgement judge(int status, std::string_view body, bool too_large);

// 425, 429 and 5xx: the status alone says "ask again", whatever the body.
[[nodiscard]] bool is_ask_again(int status);

}  // namespace relay::http
