// Fetch: reads what is durable, or hangs itself into its partitions' lists until enough is, or its time is over. Bytes
// that are not in memory are fetched meanwhile: a Fetch that found nothing else waits for them, and goes with the first
// that come.
// Sessions are declined (KIP-227): every answer is whole and has session id 0; so are followers. At least one whole
// batch is returned, however small the limits (KIP-74). From v13 on topics go by id (KIP-516): a topic that was deleted
// and made anew is another one.
#include "broker/protocol/fetch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/core/leader_epochs.h"
#include "broker/handlers/families.h"
#include "broker/handlers/fetched_topics.h"
#include "common/byte_buffer.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

constexpr std::int16_t kByIdSince = 13;
// For the disk a Fetch waits so long at least, whatever its max_wait: with next to none it would be answered empty and
// come again, over and over, for as long as the disk takes.
constexpr std::chrono::milliseconds kDiskWaitMin{500};

// One partition that is asked for, and what was found.
struct Wanted {
  protocol::FetchPartition ask;
  std::size_t topic = 0;
  storage::PartitionRef ref;
  ErrorCode refused = ErrorCode::none;
  protocol::FetchPartitionResponse found;
  storage::ReadResult records;
};

// As the client named it; the id is that of the topic which the name meant when the request came.
struct WantedTopic {
  std::string name;
  storage::TopicId id{};
};

// A Fetch from its decoding to its answer; kept alive by the waiter.
struct Fetch : std::enable_shared_from_this<Fetch> {
  Fetch(Context& in, protocol::RequestHeader of, ReplyPtr to)
      : context(in), header(std::move(of)), reply(std::move(to)) {}

  Context& context;
  protocol::RequestHeader header;
  ReplyPtr reply;
  std::vector<WantedTopic> topics;
  std::vector<Wanted> partitions;
  MemoryShare memory;  // what it takes while it waits
  std::uint64_t bytes_min = 0;
  std::uint64_t bytes_max = 0;
  std::chrono::milliseconds wait_time{0};
  std::uint64_t bytes_found = 0;
  struct LogBytes {
    std::uint64_t sum = 0;
    bool all_durable = true;  // none of them is still on its way to the disk
    bool all_there = true;    // no partition is gone, or begins behind the offset that is asked for
  };
  LogBytes log_bytes;                 // of all partitions, when they were read
  bool failed = false;                // some partition has an error: answer at once
  bool waits_for_disk = false;        // some partition's bytes are being fetched
  std::uint64_t bytes_awaited = 0;    // of these, as many as were asked for
  bool is_full = false;               // some partition's next batch would go beyond what one answer carries
  std::optional<std::uint32_t> turn;  // the partition that is read first

  bool attempt(bool time_over);
  void wait(core::Time time);
  [[nodiscard]] std::size_t bytes_held() const {
    return sizeof(Fetch) + topics.size() * sizeof(WantedTopic) +
           partitions.size() * (sizeof(Wanted) + core::FetchWaiters::kBytesPerPartition);
  }
  [[nodiscard]] bool by_id() const { return header.version.value() >= kByIdSince; }

 private:
  void read_all();
  void read_one(Wanted& wanted);
  [[nodiscard]] std::uint64_t room_for(const Wanted& wanted) const;
  void refuse(Wanted& wanted, ErrorCode error);
  [[nodiscard]] bool is_enough() const;
  [[nodiscard]] bool waits_longer();
  void drop_what_was_read();
  [[nodiscard]] LogBytes log_bytes_now() const;
  void send();

  bool waited_longer_ = false;  // than the client said, for the disk
  bool counted_ = false;        // what it takes while it waits
};

Fetch::LogBytes Fetch::log_bytes_now() const {
  LogBytes now;
  for (const auto& one : partitions) {
    if (one.refused != ErrorCode::none) continue;
    const auto bounds = context.broker.store().bounds(one.ref);
    now.all_there = now.all_there && bounds && bounds->start <= storage::Offset(one.ask.fetch_offset);
    if (!bounds) continue;
    now.sum += bounds->bytes;
    now.all_durable = now.all_durable && bounds->end == bounds->durable_end;
  }
  return now;
}

void Fetch::refuse(Wanted& wanted, ErrorCode error) {
  wanted.found.error_code = error;
  failed = true;
}

// What the partition may still give; 0: nothing, the answer is full.
std::uint64_t Fetch::room_for(const Wanted& wanted) const {
  const auto asked = static_cast<std::uint64_t>(std::max(wanted.ask.partition_max_bytes, 0));
  const auto most = std::min(bytes_max, context.fetch_bytes_now);
  // No more is asked of the disk than one answer carries: the disk is there for others too.
  if (is_full || bytes_awaited >= std::max<std::uint64_t>(most, 1)) return 0;
  const auto room = std::min(asked, most > bytes_found ? most - bytes_found : 0);
  return bytes_found > 0 ? room : std::max<std::uint64_t>(room, 1);  // at least one batch is given
}

void Fetch::read_one(Wanted& wanted) {
  auto& found = wanted.found;
  found = {};
  wanted.records = {};
  found.partition_index = wanted.ask.partition;
  found.records = protocol::BytesView();
  if (wanted.refused != ErrorCode::none) return refuse(wanted, wanted.refused);
  const auto bounds = context.broker.store().bounds(wanted.ref);
  if (!bounds) {  // deleted while the Fetch waited
    return refuse(wanted, by_id() ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition);
  }
  found.high_watermark = bounds->durable_end.value();
  found.last_stable_offset = bounds->durable_end.value();
  found.log_start_offset = bounds->start.value();
  const storage::Offset from(wanted.ask.fetch_offset);
  if (from < bounds->start) {
    context.broker.room().note_offset_gone(wanted.ref, from, bounds->start, header.client_id.value_or(""));
  }
  if (from < bounds->start || from > bounds->end) return refuse(wanted, ErrorCode::offset_out_of_range);
  if (from >= bounds->durable_end) return;
  if (context.fetch_bytes_now == 0 || memory.account_full()) return;
  const auto room = room_for(wanted);
  if (room == 0) return;
  try {
    auto records = context.broker.store().try_read(wanted.ref, from, room);
    if (!records) {
      waits_for_disk = true;
      bytes_awaited += room;
      return;
    }
    wanted.records = std::move(*records);
  } catch (const common::Error& error) {
    common::log::error(
        "partition cannot be read: check the disk, stop the broker, run outbox-broker check",
        {{"topic", topics[wanted.topic].name}, {"partition", wanted.ask.partition}, {"error", error.what()}});
    return refuse(wanted, ErrorCode::kafka_storage_error);
  }
  // What was read may exceed the room by its first batch; that is for the first partition of an answer only.
  if (bytes_found > 0 && wanted.records.bytes.size() > room) {
    wanted.records = {};
    is_full = true;
    return;
  }
  bytes_found += wanted.records.bytes.size();
  found.records = protocol::BytesView(wanted.records.bytes);
}

void Fetch::read_all() {
  failed = false;
  waits_for_disk = false;
  bytes_found = 0;
  bytes_awaited = 0;
  is_full = false;
  log_bytes = log_bytes_now();
  const auto count = partitions.size();
  // One turn for all of its attempts: what was fetched for the first is what the next one takes.
  if (!turn) turn = context.fetch_turn++;
  for (std::size_t i = 0; i < count; ++i) read_one(partitions[(*turn + i) % count]);
}

// An answer may lie there for long, and its connection's account knows only the bytes it sends: more than twice as much
// is never held for them.
common::ByteBuffer without_slack(common::ByteBuffer bytes) {
  if (bytes.capacity() <= 2 * bytes.size()) return bytes;
  common::ByteBuffer exact(bytes.size());
  std::ranges::copy(bytes, exact.begin());
  return exact;
}

void Fetch::send() {
  protocol::FetchResponse response;
  storage::Ticket ticket;
  response.topics.resize(topics.size());
  for (std::size_t i = 0; i < topics.size(); ++i) {
    response.topics[i].topic = topics[i].name;
    response.topics[i].topic_id = topics[i].id;
    const auto* topic = context.broker.state().find_topic(topics[i].id);
    ticket = std::max(ticket, topic == nullptr ? context.broker.topics_deleted_ticket() : topic->ticket);
  }
  for (auto& one : partitions) {
    one.records.bytes = without_slack(std::move(one.records.bytes));
    one.found.records = protocol::BytesView(one.records.bytes);
    response.topics[one.topic].partitions.push_back(std::move(one.found));
  }
  context.metrics.fetch_bytes.add(bytes_found);
  auto frame = protocol::encode_borrowing(response, header.version, header.correlation);
  for (auto& one : partitions) {
    if (one.records.bytes.size() >= protocol::kBorrowBytesMin) frame.keep(std::move(one.records.bytes));
  }
  reply->send(std::move(frame), ticket);
}

bool Fetch::attempt(bool time_over) {
  if (reply->abandoned()) return true;
  const bool waited_for_disk = waits_for_disk;
  // Nothing to read again for while too few bytes have come since: a consumer that wants large portions of a partition
  // with small appends would otherwise read the same bytes over and over.
  const bool read_before = turn.has_value();
  if (read_before && !time_over && !waits_for_disk && log_bytes.all_durable && bytes_found < bytes_min) {
    const auto now = log_bytes_now();
    if (now.all_there && now.sum >= log_bytes.sum && bytes_found + (now.sum - log_bytes.sum) < bytes_min) return false;
  }
  read_all();
  // What the disk gave is not held until there is more.
  const bool enough = failed || is_enough() || (waited_for_disk && bytes_found > 0);
  if (enough || (time_over && !waits_longer())) {
    send();
    return true;
  }
  drop_what_was_read();
  if (time_over) wait(kDiskWaitMin - wait_time);
  return time_over;
}

// Its time is over, and the disk had none. Once.
bool Fetch::waits_longer() {
  if (!waits_for_disk || bytes_found > 0 || wait_time >= kDiskWaitMin) return false;
  return !std::exchange(waited_longer_, true);
}

bool Fetch::is_enough() const {
  if (waits_for_disk && bytes_found == 0) return false;
  return bytes_found >= std::min(bytes_min, std::max<std::uint64_t>(context.fetch_bytes_now, 1));
}

// The next attempt reads anew; a waiting Fetch holds no records.
void Fetch::drop_what_was_read() {
  for (auto& one : partitions) {
    one.found.records = protocol::BytesView();
    one.records = {};
  }
}

// Hangs it in; a waiter that it was in before is gone when attempt() returns.
void Fetch::wait(core::Time time) {
  if (!std::exchange(counted_, true)) memory.grow(bytes_held());
  std::vector<storage::PartitionRef> refs;
  refs.reserve(partitions.size());
  for (const auto& one : partitions) refs.push_back(one.ref);
  auto& waiters = context.broker.fetch_waiters();
  const auto waiter = waiters.add(refs, context.broker.now(), time,
                                  [self = shared_from_this()](bool time_over) { return self->attempt(time_over); });
  reply->on_abandon([&waiters, waiter] { waiters.cancel(waiter); });
}

// Why a partition cannot be read at all, as far as the request alone tells.
ErrorCode refuse_partition(Context& context, const Request& request, const WantedTopic& topic, const core::Topic* known,
                           const protocol::FetchPartition& ask) {
  const bool by_id = request.header.version.value() >= kByIdSince;
  if (known == nullptr && by_id) return ErrorCode::unknown_topic_id;
  if (known == nullptr || ask.partition < 0 || ask.partition >= known->partitions) {
    return ErrorCode::unknown_topic_or_partition;
  }
  const auto& store = context.broker.store();
  const auto error = core::check_leader_epoch(ask.current_leader_epoch, store.leader_epoch());
  if (error != ErrorCode::none || by_id || request.fetched == nullptr) return error;
  const storage::PartitionIndex partition(ask.partition);
  const auto start = store.bounds({known->id, partition}).value_or(storage::PartitionBounds{}).start;
  const bool former = request.fetched->asks_with_former_offset(topic.name, known->id, partition);
  return former && storage::Offset(ask.fetch_offset) > start ? ErrorCode::offset_out_of_range : ErrorCode::none;
}

void take_topics(Fetch& fetch, const Request& request, const protocol::FetchRequest& message) {
  auto& state = fetch.context.broker.state();
  const bool is_follower = message.replica_id >= 0 || message.replica_state.replica_id >= 0;
  for (const auto& asked : message.topics) {
    WantedTopic topic{asked.topic, asked.topic_id};
    const auto* known = fetch.by_id() ? state.find_topic(asked.topic_id) : state.find_topic(asked.topic);
    if (known != nullptr) topic.id = known->id;
    for (const auto& ask : asked.partitions) {
      Wanted wanted;
      wanted.ask = ask;
      wanted.topic = fetch.topics.size();
      wanted.refused =
          is_follower ? ErrorCode::not_leader_or_follower : refuse_partition(fetch.context, request, topic, known, ask);
      if (wanted.refused == ErrorCode::none) wanted.ref = {known->id, storage::PartitionIndex(ask.partition)};
      fetch.partitions.push_back(std::move(wanted));
    }
    fetch.topics.push_back(std::move(topic));
  }
}

}  // namespace

void handle_fetch(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::FetchRequest>(context, request, reply, [&](const protocol::FetchRequest& message) {
    if (message.session_id != 0) {
      protocol::FetchResponse response;
      response.error_code = ErrorCode::fetch_session_id_not_found;
      return answer(request, reply, response);
    }
    std::size_t named = 0;
    for (const auto& topic : message.topics) named += topic.partitions.size();
    if (names_too_many(context, request, reply, named)) return;
    auto fetch = std::make_shared<Fetch>(context, request.header, reply);
    fetch->bytes_max = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(message.max_bytes, 0)),
                                               context.limits.fetch_bytes_max);
    fetch->bytes_min = std::min(static_cast<std::uint64_t>(std::max(message.min_bytes, 0)), fetch->bytes_max);
    take_topics(*fetch, request, message);
    fetch->wait_time = std::chrono::milliseconds(std::clamp(message.max_wait_ms, 0, context.limits.fetch_wait_max_ms));
    fetch->memory = MemoryShare(request.memory);
    const bool at_once = fetch->wait_time.count() == 0 || fetch->partitions.empty();
    if (!fetch->attempt(at_once)) fetch->wait(fetch->wait_time);
  });
}

}  // namespace broker::handlers
