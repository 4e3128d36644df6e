// A few threads, one call each; made when first needed.
#include "relay/http/check_back_client.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/ensure.h"
#include "common/error.h"
#include "common/unique_fd.h"
#include "relay/http/check_url.h"
#include "relay/http/http_get.h"
#include "relay/http/verdict.h"

namespace relay::http {

using core::CheckBackAnswer;
using core::Verdict;

class CheckBackClient::Impl {
 public:
  explicit Impl(CheckBackConfig config)
      : config_(std::move(config)),
        allow_(config_.allow),
        resolver_(2 * config_.in_flight),
        stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!stop_fd_) throw common::Error("no eventfd: too many open files");
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    const std::uint64_t one = 1;
    (void)!::write(stop_fd_.get(), &one, sizeof one);
    came_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void on_answer(AnswerHandler handler) {
    ENSURE(!handler_, "the answer handler is set once");
    handler_ = std::move(handler);
  }

  bool ask(const core::Row& row) {
    ENSURE(static_cast<bool>(handler_), "the answer handler comes before the first question");
    const std::scoped_lock lock(mutex_);
    if (busy_ >= config_.in_flight) return false;
    ++busy_;
    questions_.push_back(question_about(row));
    if (static_cast<int>(threads_.size()) < busy_) threads_.emplace_back([this] { work(); });
    came_.notify_one();
    return true;
  }

 private:
  struct Question {
    core::RowId id;
    std::optional<std::string> url;
    std::optional<std::string> msg_log_id;
    Fields fields;
  };

  [[nodiscard]] Question question_about(const core::Row& row) const {
    const auto message_id =
        config_.source + "/" + std::to_string(row.id.value()) + "-" + std::to_string(row.created_at.count());
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(row.age).count();
    return {row.id,
            row.msg_log_url,
            row.msg_log_id,
            {{"Outbox-Message-Id", message_id},
             {"Outbox-Age-Seconds", std::to_string(std::max<std::int64_t>(age, 0))},
             {"Outbox-Check-Number", std::to_string(row.checks + 1)}}};
  }

  void work() {
    for (;;) {
      Question question;
      {
        std::unique_lock lock(mutex_);
        came_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
        if (stopping_) return;
        question = std::move(questions_.front());
        questions_.pop_front();
      }
      CheckBackAnswer answer = call(question);
      {
        const std::scoped_lock lock(mutex_);
        --busy_;  // before the answer is told, so that its hearer may ask the next one at once
        if (stopping_) return;
      }
      const std::scoped_lock lock(handler_mutex_);
      handler_(std::move(answer));
    }
  }

  CheckBackAnswer call(const Question& question) {
    if (!question.url) return {question.id, Verdict::not_allowed, "nothing to ask: msg_log_url is null"};
    if (!question.msg_log_id) return {question.id, Verdict::not_allowed, "nothing to ask: msg_log_id is null"};
    const auto url = parse_check_url(*question.url, *question.msg_log_id);
    if (!url) return {question.id, Verdict::not_allowed, url.problem};
    if (!allow_.allows(*url))
      return {question.id, Verdict::not_allowed,
              url->origin() + " is not on check_back_allow of source " + config_.source};
    if (url->https)
      return {question.id, Verdict::not_allowed, url->origin() + ": https is not supported for check-backs, use http"};
    const Answer answer =
        http_get(*url, question.fields, std::chrono::steady_clock::now() + config_.timeout, stop_fd_.get(), resolver_);
    return judged(question.id, *url, answer);
  }

  static CheckBackAnswer judged(core::RowId id, const CheckUrl& url, const Answer& answer) {
    using State = ResponseReader::State;
    if (answer.state == State::malformed) return {id, Verdict::unknown, url.origin() + " answered what is no HTTP/1.1"};
    if (answer.state == State::complete || answer.state == State::too_large) {
      Judgement judgement = judge(answer.status, answer.body, answer.state == State::too_large);
      if (!judgement.detail.empty()) judgement.detail.insert(0, url.origin() + " ");
      return {id, judgement.verdict, std::move(judgement.detail)};
    }
    return {id, Verdict::in_progress, url.origin() + ": " + answer.problem};
  }

  const CheckBackConfig config_;
  const AllowList allow_;
  Resolver resolver_;
  common::UniqueFd stop_fd_;  // readable: stop
  AnswerHandler handler_;     // set once, before the threads
  std::mutex handler_mutex_;  // one answer at a time

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Question> questions_;  // guarded by mutex_, as what follows
  std::vector<std::thread> threads_;
  int busy_ = 0;  // asked and not yet answered
  bool stopping_ = false;
};

CheckBackClient::CheckBackClient(CheckBackConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
CheckBackClient::~CheckBackClient() = default;
void CheckBackClient::on_answer(AnswerHandler handler) { impl_->on_answer(std::move(handler)); }
bool CheckBackClient::ask(const core::Row& row) { return impl_->ask(row); }

}  // namespace relay::http
