// The client that carries no records: whether a broker is up, and each topic's max.message.bytes. It lives as long as
// the publisher, so that a standby and a relay that was cut still know the sink. Private to relay/kafka.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "relay/kafka/handles.h"
#include "relay/kafka/producer_conf.h"
#include "relay/kafka/sockets.h"

namespace relay::kafka {

struct TopicLimit {
  enum class State {
    asked,       // not known yet
    known,       // max_message_bytes is the topic's
    unknowable,  // the sink does not say (no right, no such request)
  };
  State state = State::asked;
  std::int64_t max_message_bytes = 0;
};

// Thread-safe; serve() on one thread. Nothing blocks.
class Admin {
 public:
  Admin(const PublisherConfig& config, const common::Clock& clock, int wake_fd);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // From memory; the first question about a topic sends one to the sink.
  [[nodiscard]] TopicLimit limit(const std::string& topic);
  // A broker has just contradicted what we know: ask again now.
  void ask_again(const std::string& topic);
  // Takes what has come, asks what is due.
  void serve();
  // See Sockets::end_cut_off.
  void end_cut_off(std::chrono::nanoseconds now) { sockets_.end_cut_off(now); }

  [[nodiscard]] bool up() const;
  [[nodiscard]] std::string reason() const;
  // Evidence from the producers.
  void saw_acknowledgement();
  void saw_error(rd_kafka_resp_err_t error, const std::string& text);

 private:
  struct Entry {
    TopicLimit limit;
    std::chrono::nanoseconds ask_at{0};
    std::chrono::nanoseconds used_at{0};
    std::chrono::nanoseconds retry{0};  // doubled as long as the sink does not know the topic
  };

  void ask_due();
  void retry_later(Entry& about, std::chrono::nanoseconds now);
  void take_result(rd_kafka_event_t* event);
  void take_failure(rd_kafka_resp_err_t error);
  void take_statistics(std::string_view json);

  const common::Clock& clock_;
  const int wake_fd_;
  Sockets sockets_;  // before the client, which closes its sockets there
  Client client_;
  Queue events_;   // errors and statistics
  Queue results_;  // answers to DescribeConfigs

  mutable std::mutex mutex_;
  std::map<std::string, Entry> topics_;       // guarded by mutex_
  std::vector<std::string> in_question_;      // asked in the request that is under way; guarded by mutex_
  bool question_due_ = false;                 // guarded by mutex_
  std::chrono::nanoseconds next_look_{0};     // no topic is due before; guarded by mutex_
  bool up_ = false;                           // guarded by mutex_
  std::string reason_ = "not connected yet";  // guarded by mutex_
};

}  // namespace relay::kafka
