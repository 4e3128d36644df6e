// Posts notifications to a URL, on a thread of its own, with retries that decay. Whoever notifies never waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/url.h"
#include "relay/alert/receiver.h"

namespace relay::alert {

// How one POST ended.
enum class PostResult {
  sent,     // 2xx
  again,    // no answer, 408, 429 or 5xx
  refused,  // any other answer: sending it again would not help
};

// The seam to HTTP. One thread calls post(); stop() may come from another and ends a post() soon.
class Poster {
 public:
  virtual ~Poster() = default;
  // `reason` gets a readable word on what came instead, without anything of the URL.
  virtual PostResult post(const std::string& body, std::string& reason) = 0;
  virtual void stop() = 0;
};

// On cpp-httplib: no redirects, 2 s to connect, 3 s for the answer, of which at most 64 KiB are read. `url` is whole,
// with what may be secret in it.
[[nodiscard]] std::unique_ptr<Poster> make_http_poster(const common::Url& url);

struct WebhookLimits {
  std::size_t queue_max = 100;                   // bodies; beyond it the oldest is dropped
  std::chrono::milliseconds retry_first{1'000};  // doubles up to retry_max
  std::chrono::milliseconds retry_max{60'000};
  std::chrono::milliseconds give_up{14'400'000};  // the repeat comes then anyway
};

class WebhookReceiver final : public Receiver {
 public:
  // `origin` is what the log may say of the URL. `clock` must outlive it.
  WebhookReceiver(std::unique_ptr<Poster> poster, std::string origin, const common::Clock& clock,
                  common::Metrics& metrics, WebhookLimits limits = {});
  // Ends within the time of one post(); what was not sent is counted as dropped.
  ~WebhookReceiver() override;
  void notify(const std::vector<Notification>& notifications) override;
  // Looks at the clock again (tests move it).
  void poke();

 private:
  struct Waiting {
    std::string body;
    std::size_t count = 0;  // notifications in it
    std::chrono::nanoseconds queued{0};
    std::chrono::nanoseconds due{0};
    std::chrono::milliseconds wait{0};  // before the next try
  };

  void run();
  // Tries the queue's first body, and says whether it is done with (sent, refused or given up).
  void try_first(std::unique_lock<std::mutex>& lock);
  bool settled(Waiting& first, PostResult result, const std::string& reason, std::chrono::nanoseconds begun);

  std::unique_ptr<Poster> poster_;
  const std::string origin_;
  const common::Clock& clock_;
  const WebhookLimits limits_;
  common::Counter& sent_;
  common::Counter& failed_;
  common::Counter& dropped_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> queue_;  // guarded by mutex_
  std::uint64_t pokes_ = 0;    // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  bool failing_ = false;       // the thread's own: said already that it fails
  std::thread thread_;
};

}  // namespace relay::alert
