// What the relay's main wires: the four seams of relay/core/outbox_store.h on one PostgreSQL table, each with a
// connection of its own, opened at its first call and again after every failure.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "relay/core/outbox_store.h"

namespace relay::pg {

struct StoreOptions {
  std::string dsn;
  std::string password;                         // from password_file; empty: what the DSN says
  std::string table = "public.message_record";  // schema.table, unquoted, as in the configuration
  std::int32_t bucket = 0;
  std::chrono::milliseconds lease_ttl{15000};        // every connection's time-outs are a fifth of it
  std::chrono::milliseconds check_back_first{6000};  // when next_check_at is null: created_at plus this
};

// None of these connects yet. All throw core::DatabaseError (definite) when the DSN or the table's name is malformed.
std::unique_ptr<core::OutboxReader> make_reader(const StoreOptions& options);
std::unique_ptr<core::OutboxMarker> make_marker(const StoreOptions& options);
// With a fresh random owner uuid.
std::unique_ptr<core::LeaseStore> make_lease_store(const StoreOptions& options);
std::unique_ptr<core::OutboxObserver> make_observer(const StoreOptions& options);

// What the database is, as far as a restore or a fail-over would change it.
struct SourceIdentity {
  std::int64_t system_identifier = 0;
  std::int32_t timeline = 0;
  std::uint32_t table_oid = 0;
  bool operator==(const SourceIdentity&) const = default;
};

// What registering a source came to. `changed`: the row of outbox_source says something else; it was left as it is.
struct SourceRegistration {
  SourceIdentity now;
  std::optional<SourceIdentity> changed_from;
};

// Registers the source in outbox_source when it is new there, compares otherwise. Opens a connection for this call.
// Throws core::DatabaseError.
SourceRegistration register_source(const StoreOptions& options, const std::string& source_name);
// Accepts what the database is now (an operator's word after a restore or a fail-over).
void accept_source(const StoreOptions& options, const std::string& source_name);

// Deletes delivered rows older than `keep`, at most `rows_max` (1,000 at most) in id order after `after`. A connection
// of its own. Rows that somebody holds locked are left for the next pass.
class Retention {
 public:
  virtual ~Retention() = default;
  struct Step {
    std::int64_t deleted = 0;
    core::RowId last;     // go on after this one
    bool at_end = false;  // begin again from the start, after a pause
  };
  virtual Step purge_delivered(core::RowId after, std::chrono::milliseconds keep, int rows_max) = 0;
};
std::unique_ptr<Retention> make_retention(const StoreOptions& options);

}  // namespace relay::pg
