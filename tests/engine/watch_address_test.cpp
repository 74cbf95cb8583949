// Where rank 0 listens: not where strangers can reach it, if that can be known.
#include "engine/ranks/watch_address.h"

#include <doctest/doctest.h>

namespace {

using engine::kAllInterfaces;
using engine::watch_address;

TEST_CASE("watch address: loopback if all ranks are on this host") {
  CHECK(watch_address({"here", "here", "here"}, "here") == "127.0.0.1");
}

TEST_CASE("watch address: the interface that leads to the other hosts") {
  CHECK(watch_address({"here", "no-such-host.invalid"}, "here") == kAllInterfaces);
  // another host whose name leads back here: what the name says can't be right
  CHECK(watch_address({"here", "localhost"}, "here") == kAllInterfaces);
}

}  // namespace
