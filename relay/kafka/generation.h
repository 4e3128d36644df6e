// The producers between one rebuild() and the next cut(), and who waits for what in them. Private to relay/kafka.
//
// A topic goes through one of three pipelines, by the size of batches its limit allows, and changes over only with none
// of its records in flight; the single lane is a fourth producer. All but the first are made when first needed.
//
// A new producer's first keyed record goes to each partition alone. A broker refuses what lies behind a refused batch
// by its sequence numbers, but accepts any number from a producer it has nothing of yet: with several batches in flight
// and the first of them refused, the second would be stored (seen). One acknowledged record, and the broker knows us
// there.
//
// Rows that must not go yet wait here, topic by topic, so that they hold up no other topic and no other partition.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "relay/core/publisher.h"
#include "relay/kafka/admin.h"
#include "relay/kafka/partition_load.h"
#include "relay/kafka/producer.h"

namespace relay::kafka {

// Which producer; the first three are pipelines of Lane::main.
enum class Pipe : std::uint8_t { large, small, alone, single };
inline constexpr std::size_t kPipes = 4;
// Batch sizes of the three pipelines. Smaller than any limit that a topic on it may have.
inline constexpr std::array<BatchBytes, 3> kBatchBytes{BatchBytes(128 * 1024), BatchBytes(8 * 1024), BatchBytes(1)};

[[nodiscard]] Pipe pipe_for(const TopicLimit& limit);

// Not thread-safe: the publisher's lock guards it, but for poll(), which is the event thread's.
class Generation {
 public:
  Generation(const PublisherConfig& config, const common::Clock& clock, core::Epoch epoch, int wake_fd);

  core::Enqueued enqueue(const core::Row& row, core::Lane lane, const TopicLimit& limit);
  void start_cut();  // may be repeated
  [[nodiscard]] bool is_cut() const { return cut_; }
  [[nodiscard]] bool is_fatal() const { return !fatal_reason_.empty(); }
  [[nodiscard]] const std::string& fatal_reason() const { return fatal_reason_; }
  void set_fatal(std::string reason);
  [[nodiscard]] std::size_t outstanding() const { return slots_.size() - free_.size(); }

  // The producers made so far; they live until this dies.
  [[nodiscard]] std::vector<Producer*> producers() const;
  // Outcomes that no delivery report will bring: refused by produce() itself.
  [[nodiscard]] std::vector<core::PublishOutcome> take_local();
  // The outcome of a delivery report; frees its slot.
  core::PublishOutcome finish(const rd_kafka_message_t& report);
  // Gives up waiting: every record still outstanding becomes Scope::cut.
  std::vector<core::PublishOutcome> abandon();
  void detach();

 private:
  static constexpr std::int32_t kNone = -1;
  static constexpr std::int32_t kUnplaced = -2;  // to a partition not known yet, and alone among the topic's keyed rows

  struct Topic;
  struct Slot {
    const core::Row* row = nullptr;  // alive until its outcome (the seam's promise)
    core::RowId id;
    Topic* topic = nullptr;
    Pipe pipe = Pipe::large;  // set when sent
    bool used = false;
    bool sent = false;
    std::int32_t introduces = kNone;  // the partition where it travels alone
    std::int32_t share = kNone;       // the partition in whose load it counts
    std::int64_t bytes = 0;           // there
  };
  struct Topic {
    void fit();  // grows what is kept by partition
    void now_known(std::int32_t partition);

    std::string name;
    Pipe pipe = Pipe::large;
    Pipe wanted = Pipe::large;
    std::array<int, kPipes> in_flight{};
    PartitionCount partitions = 0;
    std::vector<bool> known;       // by partition: the broker has something of this pipe's producer
    std::vector<bool> introduced;  // by partition: the record that makes it known is in flight
    std::vector<int> waiting_at;   // by partition: how many wait
    std::vector<PartitionLoad> loads;
    Slot* unplaced = nullptr;  // the keyed record in flight that was sent before the partitions were known
    std::deque<Slot*> waiting;
    std::chrono::nanoseconds failing_until{0};
    core::PublishOutcome failure;  // of the row that failed last; without its id
  };

  Topic& topic(const std::string& name);
  Producer& producer(Pipe pipe);
  Slot& take_slot(const core::Row& row, Topic& topic);
  void free_slot(Slot& slot);
  // Sends the row, or has it wait.
  rd_kafka_resp_err_t place(Slot& slot);
  rd_kafka_resp_err_t send(Slot& slot, Pipe pipe, std::int32_t introduces = kNone);
  void place_waiting(Topic& topic);
  // The partitions are known now: the record that was sent to learn them holds up its own alone.
  void place_unplaced(Topic& topic);
  // Where the row will go; kNone: not known, or anywhere.
  static std::int32_t partition_for(const core::Row& row, Topic& topic);
  void count_in(Slot& slot, std::int32_t partition);
  void end_waiting(Topic& topic, const core::PublishOutcome& outcome);
  bool is_failing(Topic& topic) const;
  void note_failure(Topic& topic, const core::PublishOutcome& outcome);
  core::Enqueued answer(Slot& slot, Pipe pipe, rd_kafka_resp_err_t error);
  void tell(core::PublishOutcome outcome, core::RowId id);

  const PublisherConfig& config_;
  const common::Clock& clock_;
  const core::Epoch epoch_;
  const int wake_fd_;
  std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;  // before the producers, which write to it
  std::array<std::unique_ptr<Producer>, kPipes> producers_;
  std::deque<Slot> slots_;  // as many as were ever in flight at once; a slot's address is its record's opaque
  std::vector<Slot*> free_;
  std::size_t single_in_flight_ = 0;
  const ShareLimits limits_;
  std::chrono::nanoseconds sink_works_at_{0};  // the last acknowledgement
  int unplaced_ = 0;                           // topics that have such a record
  std::vector<core::PublishOutcome> local_;
  bool cut_ = false;
  std::string fatal_reason_;
};

}  // namespace relay::kafka
