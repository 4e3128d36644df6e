// What a durable broker cannot do without, and nothing else: receive, CRC-32C, a write to a zero-filled journal, an
// fdatasync, a write to one of twelve segment files. Requests come over loopback from a thread of the same process,
// whose time is not counted.
//
// usage: bare_broker FOLDER MEGABYTES REQUEST_BYTES    {"cpu_s_per_million": C, "records_per_s": R, "flushes": N}
//        (records of 1 KiB; up to eight requests that wait share one flush)
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/crc32c.h"

namespace {

using Bytes = std::vector<std::byte>;
constexpr std::size_t kJournalBytes = 64 << 20;
constexpr int kPartitions = 12;
constexpr int kRequestsPerFlush = 8;
constexpr double kRecordBytes = 1024;

[[noreturn]] void fail(const std::string& what) {
  std::perror(("bare_broker: " + what).c_str());
  std::exit(1);
}

int open_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) fail(path.string());
  return file;
}

void write_at(int file, const std::vector<iovec>& buffers, std::size_t bytes, off_t position) {
  if (::pwritev(file, buffers.data(), static_cast<int>(buffers.size()), position) != static_cast<ssize_t>(bytes)) {
    fail("write");
  }
}

std::array<int, 2> connected_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    fail("listen");
  }
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(client, reinterpret_cast<const sockaddr*>(&address), length) != 0) fail("connect");
  const int server = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  return {client, server};
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + double(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One request: whole, or nothing when the other side has ended.
bool receive(int socket, Bytes& request) {
  return ::recv(socket, request.data(), request.size(), MSG_WAITALL) == static_cast<ssize_t>(request.size());
}

bool more_waits(int socket) {
  std::byte one{};
  return ::recv(socket, &one, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bare_broker FOLDER MEGABYTES REQUEST_BYTES\n");
    return 64;
  }
  const std::filesystem::path folder = argv[1];
  const std::size_t total = std::stoul(argv[2]) << 20;
  const std::size_t request_bytes = std::stoul(argv[3]);
  std::filesystem::create_directories(folder);
  const int journal = open_file(folder / "journal");
  const Bytes zeros(1 << 20);
  for (std::size_t at = 0; at < kJournalBytes; at += zeros.size()) {
    if (::pwrite(journal, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) fail("journal");
  }
  ::fsync(journal);
  std::array<int, kPartitions> segments{};
  std::array<off_t, kPartitions> ends{};
  for (int i = 0; i < kPartitions; ++i) segments[static_cast<std::size_t>(i)] = open_file(folder / std::to_string(i));

  const auto [client, server] = connected_pair();
  std::thread sender([to = client, total, request_bytes] {
    const Bytes request(request_bytes, std::byte{'x'});
    for (std::size_t sent = 0; sent < total; sent += request.size()) {
      if (::send(to, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) fail("send");
    }
    ::shutdown(to, SHUT_WR);
  });

  const auto started = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<Bytes> round(kRequestsPerFlush, Bytes(request_bytes));
  std::size_t received = 0, flushes = 0, turn = 0;
  off_t journal_at = 0;
  std::uint32_t crc = 0;
  for (bool open = true; open;) {
    std::vector<iovec> buffers;
    do {
      Bytes& request = round[buffers.size()];
      open = receive(server, request);
      if (!open) break;
      crc = common::crc32c(request, crc);
      buffers.push_back({request.data(), request.size()});
    } while (buffers.size() < kRequestsPerFlush && more_waits(server));
    if (buffers.empty()) break;
    const std::size_t bytes = buffers.size() * request_bytes;
    if (journal_at + static_cast<off_t>(bytes) > static_cast<off_t>(kJournalBytes)) journal_at = 0;
    write_at(journal, buffers, bytes, journal_at);
    if (::fdatasync(journal) != 0) fail("fdatasync");
    journal_at += static_cast<off_t>((bytes + 4095) / 4096 * 4096);
    ++flushes;
    for (const iovec& request : buffers) {
      const std::size_t partition = turn++ % kPartitions;
      write_at(segments[partition], {request}, request_bytes, ends[partition]);
      ends[partition] += static_cast<off_t>(request_bytes);
    }
    received += bytes;
  }
  const double cpu = cpu_seconds() - cpu_before;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  sender.join();
  const double records = static_cast<double>(received) / kRecordBytes;
  std::printf("{\"cpu_s_per_million\": %.3f, \"records_per_s\": %.0f, \"flushes\": %zu, \"crc\": %u}\n",
              cpu * 1e6 / records, records / took.count(), flushes, crc);
  std::filesystem::remove_all(folder);
  return 0;
}
