// What is kept per topic: metric handles looked up once, the topic's breaker, and the counts of the running pass.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/metrics.h"
#include "relay/core/breaker.h"
#include "relay/core/row.h"

namespace relay::core {

enum class RowState : std::uint8_t { pending, retrying, held, unclear, in_flight, dead };
inline constexpr std::size_t kRowStates = 6;
[[nodiscard]] std::string_view row_state_name(RowState state);

struct TopicMeters {
  std::string topic;
  common::Counter* published = nullptr;
  common::Counter* attempts_delivered = nullptr;
  common::Histogram* publish_duration = nullptr;
  common::Histogram* latency = nullptr;
  std::array<common::Gauge*, kRowStates> gauges{};
  Breaker breaker{std::chrono::seconds{1}, std::chrono::seconds{30}};
  std::chrono::nanoseconds turned_away_at{-1};     // a row, its partition being silent; negative: no alert about it
  std::string topic_alert;                         // class of the alert about the topic itself
  std::array<std::int64_t, kRowStates> counted{};  // by the pass under way
  std::set<std::string> alerts;                    // classes raised because of dead or unclear rows
  std::chrono::nanoseconds alerted_at{0};          // when a row last gave reason to, or was marked so
  RowId alerted_up_to;                             // the highest row that gave reason to
};

// One source's topics. Past `topics_max` the rest share one entry, whose breaker never opens.
class TopicTable {
 public:
  TopicTable(common::Metrics& metrics, std::string source, std::size_t topics_max = 1'000);
  // Stays valid. Cheap when the topic is the one asked for last.
  TopicMeters& of(const std::string& topic);
  void failed(const TopicMeters& meters, const std::string& error_class);
  void dead(const TopicMeters& meters, const std::string& reason);
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [name, meters] : topics_) visit(*meters);
    if (others_) visit(*others_);
  }
  [[nodiscard]] bool shared(const TopicMeters& meters) const { return &meters == others_.get(); }

 private:
  std::unique_ptr<TopicMeters> make(const std::string& topic);

  common::Metrics& metrics_;
  std::string source_;
  std::size_t topics_max_;
  std::unordered_map<std::string, std::unique_ptr<TopicMeters>> topics_;
  std::unique_ptr<TopicMeters> others_;
  TopicMeters* last_ = nullptr;
};

}  // namespace relay::core
