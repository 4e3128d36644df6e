// What every connection of the store begins with: settings, the schema's version, the table as quoted identifiers.
#pragma once

#include <functional>
#include <string>

#include "relay/pg/connection.h"
#include "relay/pg/store.h"

namespace relay::pg {

// "public.message_record" → "\"public\".\"message_record\"". Throws core::DatabaseError (exit code 78).
std::string quoted_table(const std::string& table);

// 'text' as a literal.
std::string quoted_literal(const std::string& text);

// A connection that shows as outbox-relay/<purpose>, checks the schema's version and pins the plans' shape; then
// `prepare` runs, on every reconnect.
Connection make_session(const StoreOptions& options, const std::string& purpose,
                        std::function<void(Connection&)> prepare);

}  // namespace relay::pg
