// From an API key to its message types: the codec's tests list them all, request and response in turn.
#pragma once

#include "tests/unit/protocol/messages.h"

namespace fuzz {

// Calls `visit.template operator()<Request case, Response case>()` for the key's pair. False: not in this list.
template <class Request, class Response, class... Rest, class Visit>
bool visit_message(testing::Types<Request, Response, Rest...>* /*list*/, broker::protocol::ApiKey key, Visit& visit) {
  static_assert(Request::Message::kKey == Response::Message::kKey, "requests and responses take turns in the list");
  if (Request::Message::kKey == key) {
    visit.template operator()<Request, Response>();
    return true;
  }
  if constexpr (sizeof...(Rest) > 0) {
    return visit_message(static_cast<testing::Types<Rest...>*>(nullptr), key, visit);
  } else {
    return false;
  }
}

// False: no such message.
template <class Visit>
bool visit_message(broker::protocol::ApiKey key, Visit visit) {
  using namespace broker::protocol;  // NOLINT(google-build-using-namespace): a test of this namespace alone
  return visit_message(static_cast<DataMessages*>(nullptr), key, visit) ||
         visit_message(static_cast<ClusterMessages*>(nullptr), key, visit) ||
         visit_message(static_cast<GroupMessages*>(nullptr), key, visit) ||
         visit_message(static_cast<AdminMessages*>(nullptr), key, visit) ||
         visit_message(static_cast<GroupAdminMessages*>(nullptr), key, visit);
}

}  // namespace fuzz
