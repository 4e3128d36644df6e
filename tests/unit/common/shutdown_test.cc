// The wish to stop, by signal and from within.
#include "common/shutdown.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

using common::Shutdown;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Runs `body` in a child process; its exit status, or 128 + the signal that ended it.
template <class Body>
int in_child(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST(Shutdown, IsAskedForByASignal) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EQ(in_child([number] {
                const Shutdown shutdown;
                if (shutdown.requested() || shutdown.wait_for(milliseconds(0))) _exit(2);
                raise(number);
                if (!shutdown.requested() || shutdown.signal() != number) _exit(3);
                shutdown.wait();
                // Still there for the next one who waits.
                if (!shutdown.wait_for(seconds(30))) _exit(4);
              }),
              0)
        << number;
  }
}

TEST(Shutdown, WakesEveryThreadThatWaits) {
  Shutdown shutdown;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { EXPECT_TRUE(shutdown.wait_for(seconds(60))); });
  threads.emplace_back([&] {
    pollfd waited{shutdown.fd(), POLLIN, 0};
    EXPECT_EQ(poll(&waited, 1, 60'000), 1);
  });
  shutdown.request();
  for (auto& thread : threads) thread.join();
}

TEST(Shutdown, EndsAtOnceAtTheSecondInterrupt) {
  EXPECT_EQ(in_child([] {
              const Shutdown shutdown;
              raise(SIGINT);
              raise(SIGINT);
            }),
            130);
}

TEST(Shutdown, IgnoresABrokenPipeAndASecondTerm) {
  EXPECT_EQ(in_child([] {
              const Shutdown shutdown;
              raise(SIGPIPE);
              raise(SIGTERM);
              raise(SIGTERM);
            }),
            0);
}

TEST(Shutdown, PutsTheOldHandlersBack) {
  EXPECT_EQ(in_child([] {
              {
                const Shutdown shutdown;
              }
              raise(SIGTERM);
            }),
            128 + SIGTERM);
}
