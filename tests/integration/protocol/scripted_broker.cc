// Sockets and dispatch of the scripted broker; its answers: scripted_answers.cc. A thread per connection.
#include "tests/integration/protocol/scripted_broker.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "broker/protocol/api_table.h"
#include "broker/protocol/wire.h"
#include "common/listen.h"
#include "tests/integration/protocol/scripted_answers.h"

namespace broker::protocol {
namespace {

constexpr std::size_t kFrameBytesMax = 8U << 20U;
constexpr std::chrono::milliseconds kLongPollMax{200};

bool read_all(int socket, std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = ::recv(socket, into.data(), into.size(), 0);
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool write_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool has_records(const FetchResponse& response) {
  return std::ranges::any_of(response.topics, [](const FetchTopicResponse& topic) {
    return std::ranges::any_of(topic.partitions, [](const FetchPartitionResponse& partition) {
      return partition.records && !partition.records->empty();
    });
  });
}

}  // namespace

class ScriptedBroker::Impl {
 public:
  Impl(std::uint16_t port, Observer observer)
      : observer_(std::move(observer)), listener_(common::listen_on({.host = "127.0.0.1", .port = port}, "the test")) {
    state_.port = listener_.address.port;
    acceptor_ = std::thread([this] { accept_loop(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ::shutdown(listener_.fd.get(), SHUT_RDWR);
      for (const common::UniqueFd& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
    }
    changed_.notify_all();
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
  }

  [[nodiscard]] std::uint16_t port() const { return state_.port; }
  [[nodiscard]] std::vector<std::string> complaints() const {
    const std::lock_guard lock(mutex_);
    return state_.complaints;
  }
  [[nodiscard]] int requests(ApiKey key) const {
    const std::lock_guard lock(mutex_);
    const auto found = requests_.find(key);
    return found == requests_.end() ? 0 : found->second;
  }

 private:
  void accept_loop() {
    const int flags = ::fcntl(listener_.fd.get(), F_GETFL);
    ::fcntl(listener_.fd.get(), F_SETFL, flags & ~O_NONBLOCK);
    while (true) {
      common::UniqueFd socket(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const std::lock_guard lock(mutex_);
      if (stopping_ || !socket) return;
      const int number = socket.get();
      sockets_.push_back(std::move(socket));
      threads_.emplace_back([this, number] {
        serve(number);
        ::shutdown(number, SHUT_RDWR);
      });
    }
  }

  void serve(int socket) {
    while (true) {
      std::vector<std::byte> frame(kFrameLengthBytes);
      if (!read_all(socket, frame)) return;
      const auto length = load_big_endian<std::int32_t>(frame.data());
      if (length < 0 || static_cast<std::size_t>(length) > kFrameBytesMax) return;
      frame.resize(kFrameLengthBytes + static_cast<std::size_t>(length));
      if (!read_all(socket, std::span(frame).subspan(kFrameLengthBytes))) return;
      const auto response = answer(frame);
      if (!response || !write_all(socket, *response)) return;
    }
  }

  // None: close. Empty: nothing to be sent.
  std::optional<std::vector<std::byte>> answer(std::span<const std::byte> frame) {
    std::unique_lock lock(mutex_);
    const DecodedHeader decoded = decode_request_header(frame.subspan(kFrameLengthBytes));
    const RequestHeader& header = decoded.header;
    if (observer_) observer_(header, frame);
    ++requests_[header.key];
    const Service service = service_of(header.key, header.version);
    if (service == Service::api_versions_v0) {
      return encode_response(api_versions_unsupported(), ApiVersion{0}, header.correlation);
    }
    if (service == Service::unknown || !decoded) return complain(header, "unknown, or a bad header");
    const auto body = frame.subspan(kFrameLengthBytes + decoded.size);
    switch (header.key) {
      case ApiKey::api_versions:
        return answer_as<ApiVersionsRequest>(header, body, lock);
      case ApiKey::metadata:
        return answer_as<MetadataRequest>(header, body, lock);
      case ApiKey::produce:
        return answer_as<ProduceRequest>(header, body, lock);
      case ApiKey::fetch:
        return answer_as<FetchRequest>(header, body, lock);
      case ApiKey::list_offsets:
        return answer_as<ListOffsetsRequest>(header, body, lock);
      case ApiKey::init_producer_id:
        return answer_as<InitProducerIdRequest>(header, body, lock);
      case ApiKey::find_coordinator:
        return answer_as<FindCoordinatorRequest>(header, body, lock);
      case ApiKey::join_group:
        return answer_as<JoinGroupRequest>(header, body, lock);
      case ApiKey::sync_group:
        return answer_as<SyncGroupRequest>(header, body, lock);
      case ApiKey::heartbeat:
        return answer_as<HeartbeatRequest>(header, body, lock);
      case ApiKey::leave_group:
        return answer_as<LeaveGroupRequest>(header, body, lock);
      case ApiKey::offset_commit:
        return answer_as<OffsetCommitRequest>(header, body, lock);
      case ApiKey::offset_fetch:
        return answer_as<OffsetFetchRequest>(header, body, lock);
      case ApiKey::create_topics:
        return answer_as<CreateTopicsRequest>(header, body, lock);
      case ApiKey::describe_configs:
        return answer_as<DescribeConfigsRequest>(header, body, lock);
      default:
        return complain(header, "not scripted");
    }
  }

  template <class Request>
  std::optional<std::vector<std::byte>> answer_as(const RequestHeader& header, std::span<const std::byte> body,
                                                  std::unique_lock<std::mutex>& lock) {
    const auto decoded = decode<Request>(body, header.version);
    if (!decoded) return complain(header, std::string(name(decoded.error)));
    if (decoded.trailing_bytes != 0) complain(header, std::to_string(decoded.trailing_bytes) + " bytes left over");
    const Request& request = decoded.message;
    auto response = respond(state_, request, header.version);
    if constexpr (std::is_same_v<Request, ProduceRequest>) {
      changed_.notify_all();
      if (request.acks == 0) return std::vector<std::byte>();
    }
    if constexpr (std::is_same_v<Request, FetchRequest>) {
      const auto wait = std::min(kLongPollMax, std::chrono::milliseconds(std::max(0, request.max_wait_ms)));
      if (!has_records(response)) {
        changed_.wait_for(lock, wait);
        response = respond(state_, request, header.version);
      }
    }
    return encode_response(response, header.version, header.correlation);
  }

  std::nullopt_t complain(const RequestHeader& header, const std::string& what) {
    state_.complaints.push_back("API " + std::to_string(static_cast<int>(header.key)) + " v" +
                                std::to_string(header.version.value()) + ": " + what);
    return std::nullopt;
  }

  Observer observer_;
  common::Listener listener_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ScriptedState state_;
  std::map<ApiKey, int> requests_;
  std::vector<common::UniqueFd> sockets_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
  std::thread acceptor_;
};

ScriptedBroker::ScriptedBroker(std::uint16_t port, Observer observer)
    : impl_(std::make_unique<Impl>(port, std::move(observer))) {}
ScriptedBroker::~ScriptedBroker() = default;
std::uint16_t ScriptedBroker::port() const { return impl_->port(); }
std::vector<std::string> ScriptedBroker::complaints() const { return impl_->complaints(); }
int ScriptedBroker::requests(ApiKey key) const { return impl_->requests(key); }

}  // namespace broker::protocol
