// Where rank 0 listens for the watch connections of the other ranks (rank_watch.h).
#pragma once

#include <string>
#include <vector>

namespace engine {

inline constexpr const char* kAllInterfaces = "0.0.0.0";

// The IPv4 address of this machine to listen on, so that the ranks on these hosts, and nobody else if that is
// possible, can connect. own: this host's name. "127.0.0.1" if all ranks are on this host; the address of the
// interface that leads to all other hosts, if it is one; else kAllInterfaces.
std::string watch_address(const std::vector<std::string>& hosts, const std::string& own);

}  // namespace engine
