// The numbered migrations, embedded at build from the .sql files beside this header. No database here: relay/pg
// applies.
#pragma once

#include <span>
#include <string_view>

namespace schema {

// One step of one part. Parts have their own numbering, because they may live in different databases: "outbox" in the
// business database, "barrier" where the business transaction is, "inbox" where the consumer is.
struct Migration {
  std::string_view part;
  int version = 0;
  // The lowest "outbox" version a relay must have been built for to work on a database at this version.
  int oldest_relay = 0;
  std::string_view name;  // the file's name
  std::string_view sql;
};

// In the order they are applied.
[[nodiscard]] std::span<const Migration> migrations();

// The "outbox" version this program was built for, and the oldest it still works with (its own and the one before).
inline constexpr int kVersion = 1;
inline constexpr int kOldestVersion = 1;

}  // namespace schema
