// The Publisher on librdkafka: the last step of a row's way out of the relay. README.md draws it.
#pragma once

#include <memory>

#include "common/clock.h"
#include "relay/core/publisher.h"
#include "relay/kafka/properties.h"

namespace relay::kafka {

// Thread-safe. Outcomes come on one thread of the publisher's, whichever thread calls cut(). The handler may enqueue,
// but not cut() or rebuild(). cut() waits at most about a second: records whose end librdkafka has not reported by then
// are reported as cut, and their producer ends elsewhere. A row stays alive and unchanged until its outcome, as the
// seam says: it may wait here; what is handed to librdkafka is a copy (README.md tells why).
class KafkaPublisher final : public core::Publisher {
 public:
  // Connects in the background. Throws common::Error (configuration) for a property that is not to be set or refused.
  KafkaPublisher(PublisherConfig config, const common::Clock& clock);
  ~KafkaPublisher() override;  // cuts what is outstanding

  void on_outcomes(OutcomeHandler handler) override;
  core::Enqueued enqueue(const core::Row& row, core::Lane lane) override;
  [[nodiscard]] std::optional<core::PublishOutcome> refuse(const core::Row& row) override;
  void cut() override;
  void rebuild(core::Epoch epoch) override;
  [[nodiscard]] core::SinkState state() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace relay::kafka
