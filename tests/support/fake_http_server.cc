// Implements fake_http_server.h over cpp-httplib.
#include "tests/support/fake_http_server.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "common/error.h"
#include "tests/support/net.h"
#include "tests/support/wait_until.h"

namespace test_support {
namespace {

constexpr std::size_t kThreads = 64;

FakeRequest copy_request(const httplib::Request& request) {
  FakeRequest copy{.method = request.method,
                   .path = request.path,
                   .target = request.target,
                   .parameters = {},
                   .headers = {},
                   .body = request.body};
  for (const auto& [name, value] : request.params) copy.parameters[name] = value;
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
    copy.headers[lower] = value;
  }
  return copy;
}

void write_answer(const FakeAnswer& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (answer.fault != FakeAnswer::Fault::cut_body) {
    response.set_content(answer.body, answer.content_type);
    return;
  }
  const std::string half = answer.body.substr(0, answer.body.size() / 2);
  response.set_content_provider(std::max<std::size_t>(answer.body.size(), 2), answer.content_type,
                                [half](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                                  if (offset == 0 && !half.empty()) return sink.write(half.data(), half.size());
                                  return false;
                                });
}

}  // namespace

struct FakeHttpServer::Impl {
  std::uint16_t port = 0;
  httplib::Server server;
  std::thread thread;
  mutable std::mutex mutex;  // guards all below
  std::condition_variable released;
  std::uint64_t releases = 0;
  bool stopping = false;
  Script script = [](const FakeRequest&) { return FakeAnswer{.status = 404}; };
  std::vector<FakeRequest> requests;

  void handle(const httplib::Request& request, httplib::Response& response) {
    std::unique_lock lock(mutex);
    requests.push_back(copy_request(request));
    const FakeRequest seen = requests.back();
    const Script current = script;
    lock.unlock();
    const FakeAnswer answer = current(seen);
    if (answer.fault == FakeAnswer::Fault::silence) {
      lock.lock();
      const std::uint64_t before = releases;
      released.wait(lock, [&] { return stopping || releases != before; });
      lock.unlock();
    }
    write_answer(answer, response);
  }
};

FakeHttpServer::FakeHttpServer() : impl_(std::make_unique<Impl>()) {
  Impl* impl = impl_.get();
  impl->port = free_port();
  const auto handler = [impl](const httplib::Request& request, httplib::Response& response) {
    impl->handle(request, response);
  };
  impl->server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // httplib deletes it
  impl->server.Get(".*", handler);
  impl->server.Post(".*", handler);
  impl->server.Put(".*", handler);
  impl->server.Delete(".*", handler);
  if (!impl->server.bind_to_port("127.0.0.1", impl->port)) {
    throw common::Error("the fake HTTP server cannot listen on " + loopback(impl->port));
  }
  impl->thread = std::thread([impl] { impl->server.listen_after_bind(); });
  if (!wait_until([impl] { return impl->server.is_running(); }))
    throw common::Error("the fake HTTP server did not start");
}

FakeHttpServer::~FakeHttpServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->released.notify_all();
  impl_->server.stop();
  impl_->thread.join();
}

std::uint16_t FakeHttpServer::port() const { return impl_->port; }
std::string FakeHttpServer::url(const std::string& path) const { return "http://" + loopback(impl_->port) + path; }

void FakeHttpServer::answer(FakeAnswer answer) {
  answer_by([answer = std::move(answer)](const FakeRequest&) { return answer; });
}

void FakeHttpServer::answer_in_turn(std::vector<FakeAnswer> answers) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  answer_by([answers = std::move(answers), next](const FakeRequest&) {
    return answers.at(std::min(next->fetch_add(1), answers.size() - 1));
  });
}

void FakeHttpServer::answer_by(Script script) {
  const std::lock_guard lock(impl_->mutex);
  impl_->script = std::move(script);
}

void FakeHttpServer::release() {
  const std::lock_guard lock(impl_->mutex);
  ++impl_->releases;
  impl_->released.notify_all();
}

std::vector<FakeRequest> FakeHttpServer::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::size_t FakeHttpServer::request_count() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests.size();
}

}  // namespace test_support
