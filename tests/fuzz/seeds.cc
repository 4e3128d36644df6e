// fuzz_seeds FOLDER: the inputs that fuzzing begins with, a folder for each target, a file for each input. Made of what
// real clients sent (tests/unit/protocol/captures), of random messages of every version, and of the journals that a
// broker wrote when it was asked by those clients.
#include <algorithm>
#include <concepts>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "broker/protocol/api_table.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/headers.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/wire.h"
#include "broker/storage/record_codec.h"
#include "tests/fuzz/broker_rig.h"
#include "tests/fuzz/messages.h"
#include "tests/support/programs.h"
#include "tests/unit/protocol/filler.h"
#include "tests/unit/protocol/hex.h"

namespace {

using namespace broker;  // NOLINT(google-build-using-namespace): a test of this namespace alone
using Input = std::vector<std::byte>;

void put(Input& out, fuzz::Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
template <std::integral T>
void put(Input& out, T value) {
  put(out, std::as_bytes(std::span(&value, 1)));
}

class Folder {
 public:
  Folder(const std::filesystem::path& parent, const char* target) : path_(parent / target) {
    std::filesystem::create_directories(path_);
  }
  void add(const Input& input) {
    std::ofstream file(path_ / ("seed-" + std::to_string(++count_)), std::ios::binary);
    file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

// Frames without their length, those of one client together.
std::map<std::string, std::vector<Input>> captures() {
  std::map<std::string, std::vector<Input>> clients;
  for (const auto& entry :
       std::filesystem::directory_iterator(test_support::source_dir() / "tests/unit/protocol/captures")) {
    if (entry.path().extension() != ".txt") continue;
    auto& frames = clients[entry.path().stem()];
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("= ")) frames.emplace_back();
      if (line.starts_with("=") || line.starts_with("#") || frames.empty()) continue;
      put(frames.back(), protocol::from_hex(line));
    }
    for (Input& frame : frames) frame.erase(frame.begin(), frame.begin() + protocol::kFrameLengthBytes);
  }
  return clients;
}

// Topics and producers come before what needs them, deletions at the end.
int turn(const Input& frame) {
  const auto key = static_cast<protocol::ApiKey>(protocol::load_big_endian<std::int16_t>(frame.data()));
  using protocol::ApiKey;
  const ApiKey order[] = {ApiKey::api_versions, ApiKey::create_topics, ApiKey::metadata,    ApiKey::init_producer_id,
                          ApiKey::produce,      ApiKey::fetch,         ApiKey::join_group,  ApiKey::sync_group,
                          ApiKey::heartbeat,    ApiKey::offset_commit, ApiKey::offset_fetch};
  const auto* found = std::ranges::find(order, key);
  const bool deletes = key == ApiKey::delete_topics || key == ApiKey::delete_groups || key == ApiKey::delete_records;
  return deletes ? 100 : static_cast<int>(found - std::begin(order));
}

void add_random_messages(Folder& requests, Folder& handlers) {
  for (const protocol::ApiEntry& api : protocol::api_table()) {
    for (std::int16_t number = api.min_advertised; number <= api.max; ++number) {
      const protocol::ApiVersion version(number);
      fuzz::visit_message(api.key, [&]<class Request, class Response> {
        protocol::Filler filler(static_cast<std::uint64_t>(number), {number, protocol::is_flexible(api.key, version)});
        typename Request::Message request;
        filler.fill(request);
        auto frame = protocol::encode_request(request, version, protocol::CorrelationId(1), "seed");
        frame.erase(frame.begin(), frame.begin() + protocol::kFrameLengthBytes);
        requests.add(frame);
        Input session;
        put(session, static_cast<std::uint16_t>(frame.size()));
        put(session, frame);
        handlers.add(session);

        typename Response::Message response;
        filler.fill(response);
        Input input(4);
        protocol::store_big_endian(input.data(),
                                   static_cast<std::int16_t>(static_cast<int>(api.key) | fuzz::kResponseBit));
        protocol::store_big_endian(input.data() + 2, number);
        put(input, protocol::encode(response, version));
        requests.add(input);
      });
    }
  }
}

// A journal as the target's script has it; topics are numbered, because the script's appends name them so.
class Script {
 public:
  Script() { put(input_, std::uint16_t{0x0105}); }
  void add(const storage::Record& record) {
    Input encoded;
    storage::encode_record(encoded, record);
    if (const auto* made = std::get_if<storage::TopicMade>(&record)) {
      topics_.try_emplace(made->id, static_cast<std::uint8_t>(topics_.size() + 1));
    }
    if (const auto* append = std::get_if<storage::Append>(&record)) {
      add(*append);
    } else {
      number_topics(encoded);
      put(input_, std::to_integer<std::uint8_t>(encoded[0]));
      put(input_, static_cast<std::uint16_t>(encoded.size() - 5));
      put(input_, fuzz::Bytes(encoded).subspan(5));
    }
    if (++records_ % 3 == 0) put(input_, std::uint8_t{0});
  }
  [[nodiscard]] const Input& input() const { return input_; }

 private:
  void add(const storage::Append& append) {
    put(input_, std::uint8_t{15});
    put(input_, topics_.at(append.partition.topic));
    put(input_, static_cast<std::uint8_t>(append.partition.partition.value()));
    put(input_, static_cast<std::uint8_t>(append.count - 1));
    put(input_, static_cast<std::uint8_t>(append.producer.value() >= 0 ? 8 : 0));
    put(input_, static_cast<std::uint16_t>(append.bytes.size()));
    put(input_, static_cast<std::uint8_t>(append.producer.value()));
    put(input_, static_cast<std::uint16_t>(append.first_sequence));
  }
  void number_topics(Input& encoded) const {
    for (const auto& [id, number] : topics_) {
      const auto bytes = std::as_bytes(std::span(id));
      for (auto at = encoded.begin();;) {
        at = std::search(at, encoded.end(), bytes.begin(), bytes.end());
        if (at == encoded.end()) break;
        at = std::fill_n(at, bytes.size(), std::byte{number});
      }
    }
  }

  Input input_;
  std::map<storage::TopicId, std::uint8_t> topics_;
  int records_ = 0;
};

void add_journals(Folder& journals, const fuzz::BrokerRig& rig) {
  Script script;
  for (const auto& record : rig.journal()) script.add(record);
  journals.add(script.input());
  // The same with a damage, at several places.
  for (const std::uint16_t at : std::initializer_list<std::uint16_t>{16, 4100, 4200, 8300, 20'000}) {
    Input damaged = script.input();
    put(damaged, std::uint8_t{0xaf});
    put(damaged, std::uint8_t{0});
    put(damaged, at);
    put(damaged, std::uint8_t{1});
    journals.add(damaged);
  }
}

void add_batches(Folder& batches, const Input& frame) {
  const auto decoded = protocol::decode_request_header(frame);
  if (!decoded || decoded.header.key != protocol::ApiKey::produce) return;
  const auto body = fuzz::Bytes(frame).subspan(decoded.size);
  const auto request = protocol::decode<protocol::ProduceRequest>(body, decoded.header.version);
  if (!request) return;
  for (const auto& topic : request.message.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.records) batches.add(partition.records->copy());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 64;
  }
  Folder requests(argv[1], "requests");
  Folder batches(argv[1], "batches");
  Folder handlers(argv[1], "handlers");
  Folder journals(argv[1], "journal");
  for (auto& [client, frames] : captures()) {
    std::ranges::sort(frames, {}, [](const Input& frame) { return std::pair(turn(frame), frame); });
    Input session;
    fuzz::BrokerRig rig;
    for (const Input& frame : frames) {
      requests.add(frame);
      add_batches(batches, frame);
      put(session, static_cast<std::uint16_t>(frame.size()));
      put(session, frame);
      rig.ask(frame, true);
    }
    put(session, std::uint16_t{0x8000 + 1000});
    rig.pass_time(std::chrono::seconds(10));
    handlers.add(session);
    add_journals(journals, rig);
  }
  for (const std::int32_t count : {1, 2, 30}) batches.add(protocol::plain_batch(count, 5));
  batches.add(protocol::RecordBatchBuilder()
                  .add({.key = "k", .value = {}, .timestamp_ms = 5, .headers = {{"h", {}}, {"i", "v"}}})
                  .producer({9, 0, 0})
                  .build());
  add_random_messages(requests, handlers);
  std::printf("%d requests, %d batches, %d sessions, %d journals\n", requests.count(), batches.count(),
              handlers.count(), journals.count());
  return 0;
}
