// The helpers of tests/support: what every integration test stands on does what its header says.
#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <thread>

#include "common/error.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/net.h"
#include "tests/support/postgres_server.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace test_support {
namespace {

bool process_exists(pid_t pid) {
  const std::string state = read_file("/proc/" + std::to_string(pid) + "/stat");
  return !state.empty() && state.find(") Z") == std::string::npos;
}

TEST(FreePort, NeverHandsOutTheSamePortTwice) {
  std::set<std::uint16_t> seen;
  for (int count = 0; count < 50; ++count) EXPECT_TRUE(seen.insert(free_port()).second);
  for (const std::uint16_t port : seen) EXPECT_FALSE(can_connect(port));
}

TEST(TempDir, IsGoneWithItsObject) {
  std::filesystem::path path;
  {
    const TempDir folder;
    path = folder.path();
    std::ofstream(folder / "file") << "text";
    EXPECT_TRUE(std::filesystem::exists(path / "file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(WaitUntil, GivesUpAtTheDeadlineAndSaysSo) {
  EXPECT_FALSE(wait_until([] { return false; }, std::chrono::milliseconds(1)));
  int calls = 0;
  EXPECT_TRUE(wait_until([&] { return ++calls == 3; }));
}

TEST(Process, PassesEnvironmentAndSeparatesOutputs) {
  const RunResult result = run({"sh", "-c", "echo \"$GREETING\"; echo wrong >&2; exit 7"}, {{"GREETING", "hello"}});
  EXPECT_EQ(result.exit.code, 7);
  EXPECT_EQ(result.output, "hello\n");
  EXPECT_EQ(result.error_output, "wrong\n");
}

TEST(Process, ReportsSignalAndDeadline) {
  Process sleeper({"sleep", "600"});
  EXPECT_FALSE(sleeper.wait(std::chrono::milliseconds(1)));
  sleeper.signal(SIGTERM);
  const std::optional<Exit> exit = sleeper.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal, SIGTERM);
  EXPECT_EQ(sleeper.wait()->signal, SIGTERM);
}

TEST(Process, IsKilledByItsDestructor) {
  pid_t pid = 0;
  {
    const Process sleeper({"sleep", "600"});
    pid = sleeper.pid();
    EXPECT_TRUE(process_exists(pid));
  }
  EXPECT_FALSE(process_exists(pid));
}

TEST(Process, OutlivesTheThreadThatStartedIt) {
  std::optional<Process> sleeper;
  std::thread([&] { sleeper.emplace(std::vector<std::string>{"sleep", "600"}); }).join();
  EXPECT_FALSE(sleeper->wait(std::chrono::milliseconds(100)));
}

// A test program is killed here: victim.cc, which starts a child and a PostgreSQL and then waits.
TEST(Process, NothingSurvivesADeadTest) {
  const TempDir folder;
  const std::filesystem::path notes = folder / "notes";
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "house_victim";
  Process victim({program.string(), notes.string()}, ProcessOptions{.environment = {{"TMPDIR", folder.path().string()}},
                                                                    .output = folder / "output",
                                                                    .error_output = {}});
  ASSERT_TRUE(wait_until([&] { return read_file(notes).find("ready") != std::string::npos || !victim.running(); }));
  ASSERT_TRUE(victim.running()) << read_file(folder / "output");
  std::ifstream stream(notes);
  pid_t child = 0;
  int port = 0;
  stream >> child >> port;
  EXPECT_TRUE(process_exists(child));
  EXPECT_TRUE(can_connect(static_cast<std::uint16_t>(port)));
  victim.kill();
  EXPECT_TRUE(wait_until([&] { return !process_exists(child); }));
  EXPECT_TRUE(wait_until([&] { return !can_connect(static_cast<std::uint16_t>(port)); }));
  // The victim could not clean up; its PostgreSQL may still be writing its last files.
  EXPECT_TRUE(wait_until([&] {
    std::error_code error;
    std::filesystem::remove_all(folder.path(), error);
    return !std::filesystem::exists(folder.path());
  }));
}

TEST(PostgresServer, KeepsWhatWasCommittedThroughAnImmediateStop) {
  PostgresServer postgres(PostgresOptions{.settings = {{"max_prepared_transactions", "7"}}});
  EXPECT_EQ(postgres.execute("postgres", "SHOW fsync"), "on");
  EXPECT_EQ(postgres.execute("postgres", "SHOW max_prepared_transactions"), "7");
  postgres.create_database("shop");
  postgres.execute("shop", "CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)");
  postgres.stop_immediate();
  EXPECT_THROW(postgres.execute("shop", "SELECT 1"), common::Error);
  postgres.start();
  EXPECT_EQ(postgres.execute("shop", "SELECT value FROM kept"), "42");
  postgres.restart();
  EXPECT_EQ(postgres.execute("shop", "SELECT value FROM kept"), "42");
  EXPECT_THROW(postgres.execute("shop", "SELECT nothing FROM nowhere"), common::Error);
}

TEST(FakeHttpServer, AnswersAsTheScriptSaysAndRemembersTheRequests) {
  FakeHttpServer server;
  EXPECT_EQ(http_get(server.port(), "/")->status, 404);
  server.answer_in_turn({FakeAnswer{.status = 425}, FakeAnswer{.status = 200, .body = "{\"status\":\"committed\"}"}});
  EXPECT_EQ(http_get(server.port(), "/check?msg_log_id=a%20b")->status, 425);
  EXPECT_EQ(http_get(server.port(), "/check")->body, "{\"status\":\"committed\"}");
  EXPECT_EQ(http_get(server.port(), "/check")->status, 200);
  ASSERT_EQ(server.request_count(), 4U);
  EXPECT_EQ(server.requests()[1].path, "/check");
  EXPECT_EQ(server.requests()[1].parameters.at("msg_log_id"), "a b");
  server.answer(FakeAnswer{.body = "0123456789", .fault = FakeAnswer::Fault::cut_body});
  EXPECT_FALSE(http_get(server.port(), "/check"));
}

TEST(FakeHttpServer, StaysSilentUntilReleased) {
  FakeHttpServer server;
  server.answer(FakeAnswer{.status = 200, .body = "late", .fault = FakeAnswer::Fault::silence});
  httplib::Client client("127.0.0.1", server.port());
  client.set_read_timeout(60);
  std::atomic<bool> answered = false;
  std::thread asking([&] {
    const httplib::Result result = client.Get("/");
    answered = result && result->body == "late";
  });
  EXPECT_TRUE(wait_until([&] { return server.request_count() == 1; }));
  EXPECT_FALSE(answered);
  EXPECT_TRUE(wait_until([&] {
    server.release();
    return answered.load();
  }));
  asking.join();
}

}  // namespace
}  // namespace test_support
