// A stand-in for a test that is killed: starts a child and a PostgreSQL, notes "pid port ready" and waits.
#include <unistd.h>

#include <fstream>

#include "tests/support/postgres_server.h"
#include "tests/support/process.h"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const test_support::Process child({"sleep", "600"});
  const test_support::PostgresServer postgres;
  std::ofstream(argv[1]) << child.pid() << ' ' << postgres.port() << " ready\n";
  while (true) ::pause();
}
