// Runs tests/clients/run.py, where the scenario is, as a test of one client.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/programs.h"

namespace clients {

constexpr int kMissing = 77;  // run.py: something the client needs is not on this machine
constexpr std::chrono::minutes kDeadline{25};

inline test_support::RunResult run_client(const std::string& client) {
  const std::string script = (test_support::source_dir() / "tests/clients/run.py").string();
  return test_support::run({"/usr/bin/python3", script, client}, {}, kDeadline);
}

inline void expect_as_in_table(const std::string& client) {
  const test_support::RunResult result = run_client(client);
  if (result.exit.code == kMissing) GTEST_SKIP() << result.output;
  EXPECT_EQ(result.exit.code, 0) << result.output << result.error_output;
}

}  // namespace clients
