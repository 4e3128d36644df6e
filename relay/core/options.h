// What a source's part of the relay can be told: CONTRACTS §6 as relay/core uses it, with its defaults.
// Filled by relay/main from the configuration, validated there; const afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace relay::core {

enum class DeadRows {
  hold,  // a dead row holds the later rows of its key
  skip,  // it does not
};

struct RetryOptions {
  std::chrono::milliseconds first{10'000};
  double factor = 2;
  std::chrono::milliseconds max{600'000};
  int limit = 16;       // attempts
  double jitter = 0.2;  // each wait is within ± this share of itself
};

struct CheckOptions {
  std::chrono::milliseconds first{6'000};
  double factor = 2;
  std::chrono::milliseconds max{60'000};
  int limit = 15;  // unknown verdicts
  std::chrono::milliseconds budget{std::chrono::hours{24}};
  int in_flight = 32;
};

struct SourceOptions {
  std::string name;
  std::string table;  // for status and messages only
  std::string sink = "default";
  bool ordered = true;  // order = "key"
  DeadRows dead_rows = DeadRows::hold;
  std::chrono::milliseconds poll_min{2};
  std::chrono::milliseconds poll_max{500};
  std::chrono::milliseconds sweep_interval{5'000};
  int in_flight_rows = 10'000;
  std::int64_t in_flight_bytes = 16 << 20;
  std::chrono::milliseconds lease_ttl{15'000};
  std::chrono::milliseconds silence_timeout{8'000};  // < 2/3 of lease_ttl
  RetryOptions retry;
  CheckOptions check;

  // Not in the configuration; tests make them small.
  int poll_rows_max = 2'000;    // rows of one poll
  int sweep_rows_max = 2'000;   // headlines of one page of the sweep
  int mark_rows_max = 1'000;    // rows of one mark
  int gaps_max = 2'000;         // ranges asked again with each poll
  int held_exact_max = 32'768;  // keys held with their first blocker known; further ones share a filter
  int suspects_max = 10'000;    // ids to be sent alone
  std::chrono::milliseconds mark_linger{
      10};  // a small batch of marks waits at most so long while records are in flight
  std::chrono::milliseconds due_interval{250};
  std::chrono::milliseconds retry_pause{500};  // between two tries against a database or sink that is away
  std::uint64_t seed = 0;                      // for jitter and filters; 0: from the clock
};

}  // namespace relay::core
