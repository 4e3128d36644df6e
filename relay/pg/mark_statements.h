// The text of the statements that mark rows, by the names they are prepared under.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace relay::pg {

// `table`: a quoted identifier; `table_name`: as in the configuration, the name in outbox_event.
std::vector<std::pair<const char*, std::string>> mark_statements(const std::string& table,
                                                                 const std::string& table_name);

}  // namespace relay::pg
