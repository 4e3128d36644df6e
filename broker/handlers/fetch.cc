// Fetch: reads what is durable, or hangs itself into its partitions' lists until enough is, or its time is over.
// Sessions are declined (KIP-227): every answer is whole and has session id 0. At least one whole batch is returned,
// however small the limits (KIP-74).
#include "broker/protocol/fetch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "broker/handlers/families.h"
#include "common/log.h"

namespace broker::handlers {

using protocol::ErrorCode;

namespace {

// One partition that is asked for, and what was found.
struct Wanted {
  protocol::FetchPartition ask;
  std::size_t topic = 0;
  storage::PartitionRef ref;
  bool known = false;
  protocol::FetchPartitionResponse found;
  storage::ReadResult records;
};

// A Fetch from its decoding to its answer; kept alive by the waiter.
struct Fetch {
  Fetch(Context& in, protocol::RequestHeader of, ReplyPtr to)
      : context(in), header(std::move(of)), reply(std::move(to)) {}

  Context& context;
  protocol::RequestHeader header;
  ReplyPtr reply;
  std::vector<std::string> topics;
  std::vector<Wanted> partitions;
  std::uint64_t bytes_min = 0;
  std::uint64_t bytes_max = 0;
  std::uint64_t bytes_found = 0;
  struct LogBytes {
    std::uint64_t sum = 0;
    bool all_durable = false;  // none of them is still on its way to the disk
  };
  LogBytes log_bytes;   // of all partitions, when they were read
  bool failed = false;  // some partition has an error: answer at once

  bool attempt(bool time_over);

 private:
  void read_all();
  void read_one(Wanted& wanted);
  [[nodiscard]] LogBytes log_bytes_now() const;
  void send();
};

Fetch::LogBytes Fetch::log_bytes_now() const {
  std::uint64_t sum = 0;
  bool all_durable = true;
  for (const auto& one : partitions) {
    const auto bounds = one.known ? context.broker.store().bounds(one.ref) : std::nullopt;
    if (!bounds) continue;
    sum += bounds->bytes;
    all_durable = all_durable && bounds->end == bounds->durable_end;
  }
  return {sum, all_durable};
}

void Fetch::read_one(Wanted& wanted) {
  auto& found = wanted.found;
  found = {};
  wanted.records = {};
  found.partition_index = wanted.ask.partition;
  found.records = protocol::BytesView();
  const auto bounds = wanted.known ? context.broker.store().bounds(wanted.ref) : std::nullopt;
  if (!bounds) {
    found.error_code = ErrorCode::unknown_topic_or_partition;
    failed = true;
    return;
  }
  found.high_watermark = bounds->durable_end.value();
  found.last_stable_offset = bounds->durable_end.value();
  found.log_start_offset = bounds->start.value();
  const storage::Offset from(wanted.ask.fetch_offset);
  if (from < bounds->start || from > bounds->end) {
    found.error_code = ErrorCode::offset_out_of_range;
    failed = true;
    return;
  }
  if (from >= bounds->durable_end) return;
  const auto asked = static_cast<std::uint64_t>(std::max(wanted.ask.partition_max_bytes, 0));
  if (context.fetch_bytes_now == 0) return;
  const auto most = std::min(bytes_max, context.fetch_bytes_now);
  const auto room = std::min(asked, most > bytes_found ? most - bytes_found : 0);
  if (room == 0 && bytes_found > 0) return;
  try {
    wanted.records = context.broker.store().read(wanted.ref, from, room);
  } catch (const common::Error& error) {
    common::log::error("partition cannot be read: check the disk, stop the broker, run outbox-broker check",
                       {{"topic", topics[wanted.topic]}, {"partition", wanted.ask.partition}, {"error", error.what()}});
    found.error_code = ErrorCode::kafka_storage_error;
    failed = true;
    return;
  }
  // What was read may exceed the room by its first batch; that is for the first partition of an answer only.
  if (bytes_found > 0 && wanted.records.bytes.size() > room) {
    wanted.records = {};
    return;
  }
  bytes_found += wanted.records.bytes.size();
  found.records = protocol::BytesView(wanted.records.bytes);
}

void Fetch::read_all() {
  failed = false;
  bytes_found = 0;
  log_bytes = log_bytes_now();
  const auto count = partitions.size();
  const auto turn = count == 0 ? 0 : context.fetch_turn++ % count;
  for (std::size_t i = 0; i < count; ++i) read_one(partitions[(turn + i) % count]);
}

void Fetch::send() {
  protocol::FetchResponse response;
  response.topics.resize(topics.size());
  for (std::size_t i = 0; i < topics.size(); ++i) response.topics[i].topic = topics[i];
  for (auto& one : partitions) response.topics[one.topic].partitions.push_back(std::move(one.found));
  context.metrics.fetch_bytes.add(bytes_found);
  reply->send(protocol::encode_response(response, header.version, header.correlation));
}

bool Fetch::attempt(bool time_over) {
  if (reply->abandoned()) return true;
  // Nothing to read again for while too few bytes have come since: a consumer that wants large portions of a partition
  // with small appends would otherwise read the same bytes over and over.
  if (!time_over && log_bytes.all_durable && bytes_found < bytes_min) {
    const auto now = log_bytes_now().sum;
    if (now >= log_bytes.sum && bytes_found + (now - log_bytes.sum) < bytes_min) return false;
  }
  read_all();
  if (!failed && !time_over && bytes_found < std::min(bytes_min, std::max<std::uint64_t>(context.fetch_bytes_now, 1))) {
    return false;
  }
  send();
  return true;
}

}  // namespace

void handle_fetch(Context& context, const Request& request, const ReplyPtr& reply) {
  decoded<protocol::FetchRequest>(context, request, reply, [&](const protocol::FetchRequest& message) {
    if (message.session_id != 0) {
      protocol::FetchResponse response;
      response.error_code = ErrorCode::fetch_session_id_not_found;
      return answer(request, reply, response);
    }
    auto fetch = std::make_shared<Fetch>(context, request.header, reply);
    fetch->bytes_max = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(message.max_bytes, 0)),
                                               context.limits.fetch_bytes_max);
    fetch->bytes_min = std::min(static_cast<std::uint64_t>(std::max(message.min_bytes, 0)), fetch->bytes_max);
    for (const auto& topic : message.topics) {
      const auto* known = context.broker.state().find_topic(topic.topic);
      for (const auto& ask : topic.partitions) {
        Wanted wanted;
        wanted.ask = ask;
        wanted.topic = fetch->topics.size();
        wanted.known = known != nullptr && ask.partition >= 0 && ask.partition < known->partitions;
        if (wanted.known) wanted.ref = {known->id, storage::PartitionIndex(ask.partition)};
        fetch->partitions.push_back(std::move(wanted));
      }
      fetch->topics.push_back(topic.topic);
    }
    if (fetch->partitions.size() > context.limits.partitions_per_request_max) {
      return reply->close("Fetch of " + std::to_string(fetch->partitions.size()) + " partitions: the limit is " +
                          std::to_string(context.limits.partitions_per_request_max));
    }
    const auto wait_ms = std::min(message.max_wait_ms, context.limits.fetch_wait_max_ms);
    const bool at_once = wait_ms <= 0 || fetch->partitions.empty();
    if (fetch->attempt(at_once)) return;
    std::vector<storage::PartitionRef> refs;
    refs.reserve(fetch->partitions.size());
    for (const auto& one : fetch->partitions) refs.push_back(one.ref);
    auto& broker = context.broker;
    const auto waiter = broker.fetch_waiters().add(std::move(refs), broker.now() + std::chrono::milliseconds(wait_ms),
                                                   [fetch](bool time_over) { return fetch->attempt(time_over); });
    reply->on_abandon([&broker, waiter] { broker.fetch_waiters().cancel(waiter); });
  });
}

}  // namespace broker::handlers
