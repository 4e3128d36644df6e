// Implements temp_dir.h with mkdtemp.
#include "tests/support/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <system_error>

#include "common/error.h"

namespace test_support {

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/outbox-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw common::Error("cannot make a temporary folder " + name + ": " + std::strerror(errno));
  }
  path_ = name;
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TempDir::~TempDir() {
  if (std::getenv("OUTBOX_KEEP_TEMP") != nullptr) {
    std::cerr << "kept " << path_.string() << '\n';
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace test_support
