// librdkafka meets a shutdown() of ours as it would meet the peer's own end of the connection.
#include "relay/kafka/sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/cut_off.h"

namespace relay::kafka {

void Sockets::attach(rd_kafka_conf_t* conf) {
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_socket_cb(conf, [](int domain, int type, int protocol, void* sockets) {
    return static_cast<Sockets*>(sockets)->open(domain, type, protocol);
  });
  rd_kafka_conf_set_closesocket_cb(conf,
                                   [](int fd, void* sockets) { return static_cast<Sockets*>(sockets)->close(fd); });
}

int Sockets::open(int domain, int type, int protocol) {
  const int fd = ::socket(domain, type | SOCK_CLOEXEC, protocol);
  if (fd < 0) return fd;
  const std::scoped_lock lock(mutex_);
  open_.emplace(fd, std::nullopt);
  return fd;
}

int Sockets::close(int fd) {
  const std::scoped_lock lock(mutex_);  // the number may be another file's at once
  open_.erase(fd);
  return ::close(fd);
}

int Sockets::end_cut_off(std::chrono::nanoseconds now) {
  const std::scoped_lock lock(mutex_);
  int ended = 0;
  for (auto& [fd, seen_at] : open_) {
    if (!seen_at) seen_at = now;
    if (!common::is_cut_off(fd, now - *seen_at)) continue;
    // With the close that follows, what was not acknowledged is forgotten: it must not arrive behind its repetition.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)shutdown(fd, SHUT_RDWR);
    ++ended;
  }
  return ended;
}

}  // namespace relay::kafka
