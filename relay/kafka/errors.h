// From librdkafka's error codes to the relay's scopes: who is to blame decides who waits. One table, in errors.cc.
// Private to relay/kafka.
#pragma once

#include <librdkafka/rdkafka.h>

#include <span>

#include "relay/core/publisher.h"

namespace relay::kafka {

struct ErrorClass {
  rd_kafka_resp_err_t error{};
  core::Scope scope{};
  const char* name = nullptr;  // PublishOutcome::error_class
  bool permanent = false;      // no waiting can mend it
};

// Every code that is known; the rest falls back by its sign, see classify().
[[nodiscard]] std::span<const ErrorClass> error_table();

// What the outcome of a produced record means. Unknown broker codes: `row` "refused" (it spends an attempt only when
// the row failed alone, so an unknown refusal ends in a visible dead row and never in a silent stop). Unknown local
// codes: `cut`, they say nothing about the row.
[[nodiscard]] ErrorClass classify(rd_kafka_resp_err_t error);

}  // namespace relay::kafka
