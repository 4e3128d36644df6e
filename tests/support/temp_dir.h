// A folder of one test's own, gone when the test ends.
#pragma once

#include <filesystem>

namespace test_support {

class TempDir {
 public:
  // Under $TMPDIR or /tmp; others may enter it, since PostgreSQL runs as another user when the test is root.
  // With OUTBOX_KEEP_TEMP set the folder stays and its path is printed. Throws common::Error.
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace test_support
