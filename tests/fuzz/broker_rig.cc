// See broker_rig.h.
#include "tests/fuzz/broker_rig.h"

#include <algorithm>
#include <utility>

#include "broker/handlers/families.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/wire.h"
#include "broker/storage/record_codec.h"
#include "common/byte_buffer.h"
#include "common/crc32c.h"
#include "tests/fuzz/messages.h"

namespace fuzz {
namespace {

using namespace broker;  // NOLINT(google-build-using-namespace): a test of this namespace alone
constexpr std::size_t kAnswerBytesMax = 16 << 20;

core::BrokerSettings settings() {
  core::BrokerSettings settings;
  settings.partitions_default = 3;
  settings.partitions_max = 40;
  return settings;
}

// Length, magic and checksum of each partition's records, where they lie.
void mend(common::ByteBuffer& frame, std::size_t body_at, protocol::ApiVersion version) {
  const auto body = std::span(frame).subspan(body_at);
  const auto request = protocol::decode<protocol::ProduceRequest>(body, version);
  if (!request) return;
  for (const auto& topic : request.message.topics) {
    for (const auto& partition : topic.partitions) {
      if (!partition.records || partition.records->size() < protocol::kBatchHeaderBytes) continue;
      const auto records = frame.data() + (partition.records->data() - frame.data());
      const std::span<std::byte> batch(records, partition.records->size());
      protocol::store_big_endian(records + protocol::kBatchLengthOffset,
                                 static_cast<std::int32_t>(batch.size() - protocol::kBatchOverheadBytes));
      batch[16] = std::byte{2};
      protocol::store_big_endian(records + 17, common::crc32c(batch.subspan(protocol::kBatchCrcFrom)));
    }
  }
}

void check_answer(const protocol::RequestHeader& header, const std::vector<std::byte>& frame) {
  const bool unknown_version = protocol::service_of(header.key, header.version) == protocol::Service::api_versions_v0;
  const protocol::ApiVersion version = unknown_version ? protocol::ApiVersion(0) : header.version;
  const std::size_t skip = protocol::kFrameLengthBytes + protocol::response_header_size(header.key, version);
  check(frame.size() >= skip && frame.size() <= kAnswerBytesMax, "an answer too short or too long");
  check(protocol::load_big_endian<std::int32_t>(frame.data() + 4) == header.correlation.value(),
        "an answer to another request");
  constexpr protocol::DecodeLimits kUnlimited{.elements_max = UINT32_MAX, .allocation_factor = 1U << 20U};
  visit_message(header.key, [&]<class Request, class Response> {
    using Message = typename Response::Message;
    const auto decoded = protocol::decode<Message>(Bytes(frame).subspan(skip), version, kUnlimited);
    check(decoded && decoded.trailing_bytes == 0, "an answer that does not decode: " + handlers::describe(header) +
                                                      ", " + std::string(protocol::name(decoded.error)));
  });
}

}  // namespace

BrokerRig::BrokerRig()
    : broker_(state_, store_, clock_, settings(), [this] { return ++random_ * 0x9e3779b97f4a7c15ULL; }),
      context_{broker_, handler_metrics_, {}} {}

BrokerRig::~BrokerRig() {
  for (const Asked& asked : waiting_) asked.reply->abandon();
}

void BrokerRig::ask(Bytes bytes, bool mend_batches) {
  auto frame = std::make_shared<common::ByteBuffer>(bytes.begin(), bytes.end());
  const auto decoded = protocol::decode_request_header(*frame);
  if (!decoded) return;
  if (mend_batches && decoded.header.key == protocol::ApiKey::produce)
    mend(*frame, decoded.size, decoded.header.version);
  auto reply = std::make_shared<handlers::Reply>([](std::size_t) {});
  waiting_.push_back({decoded.header, reply});
  const Bytes body = Bytes(*frame).subspan(decoded.size);
  handlers::handle(context_, {decoded.header, body, frame, "127.0.0.1", &fetched_topics_}, reply);
  check_answers();
}

void BrokerRig::check_answers() {
  std::erase_if(waiting_, [](const Asked& asked) {
    using Kind = handlers::Reply::Kind;
    if (asked.reply->kind() == Kind::waiting) return false;
    if (asked.reply->kind() == Kind::close) check(!asked.reply->why().empty(), "closed without a word");
    if (asked.reply->kind() == Kind::frame) check_answer(asked.header, asked.reply->take_frame().joined());
    return true;
  });
}

void BrokerRig::pass_time(std::chrono::milliseconds time) {
  clock_.pass(time);
  broker_.tick();
  check_answers();
}

void BrokerRig::flush(bool durable_at_once) {
  store_.flush();
  store_.set_durable_at_once(durable_at_once);
  broker_.tick();
  check_answers();
}

void BrokerRig::check_at_end() {
  flush(true);
  core::State replayed;
  for (const auto& record : store_.journal()) {
    std::vector<std::byte> encoded;
    storage::encode_record(encoded, record);
    Bytes data;
    if (const auto* append = std::get_if<storage::Append>(&record)) data = append->bytes;
    storage::ByteReader meta_in(encoded);
    storage::ByteReader data_in(data);
    replayed.apply(storage::decode_record(meta_in, data_in).record);
    check(meta_in.left() == 0 && data_in.left() == 0, "a record of the journal is not read to its end");
  }
  check(broker_tests::to_text(replayed.snapshot()) == broker_tests::to_text(state_.snapshot()),
        "the journal gives another state than the one that lived");
}

}  // namespace fuzz
