#include "engine/ranks/watch_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

namespace engine {
namespace {

// The own address of packets to a host. Connecting a UDP socket looks up the route and sends nothing.
std::string address_towards(const std::string& host) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return kAllInterfaces;
  std::string address = kAllInterfaces;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{};
  socklen_t length = sizeof own;
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) == 0) {
    char text[INET_ADDRSTRLEN];
    address = inet_ntop(AF_INET, &own.sin_addr, text, sizeof text);
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return address;
}

}  // namespace

std::string watch_address(const std::vector<std::string>& hosts, const std::string& own) {
  std::set<std::string> addresses;
  for (const std::string& host : std::set<std::string>(hosts.begin(), hosts.end()))
    if (host != own) addresses.insert(address_towards(host));
  if (addresses.empty()) return "127.0.0.1";
  // Ranks on another host can't reach a loopback address: its name is then misleading in this host's tables.
  const std::string& one = *addresses.begin();
  return addresses.size() == 1 && one.rfind("127.", 0) != 0 ? one : kAllInterfaces;
}

}  // namespace engine
