// Shared libraries that are looked up at run time.
#include "kernels/vendor/vendor_library.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/scratch.h"

using kernels::MissingLibrary;
using kernels::VendorLibrary;

TEST_CASE("a library is opened by the first of its names that exists, and its functions are found") {
  const VendorLibrary math("libm", {"libm-of-tomorrow.so.7", "libm.so.6"}, "install libc6");
  CHECK(math.file() == "libm.so.6");
  double (*cosine)(double) = nullptr;
  math.find("cos", cosine);
  REQUIRE((cosine != nullptr));
  CHECK(cosine(0) == 1);
}

TEST_CASE("one line says what is missing, which names were tried and what to install") {
  CHECK_THROWS_AS(VendorLibrary("cuX", {"libcuX.so.2"}, "install cuX"), MissingLibrary);
  CHECK_THROWS_WITH(
      VendorLibrary("cuX", {"libcuX.so.2", "libcuX.so.1"}, "install cuX"),
      "cuX can't be opened: tried libcuX.so.2, libcuX.so.1 (libcuX.so.2: cannot open shared object "
      "file: No such file or directory); install cuX");
  const VendorLibrary math("libm", {"libm.so.6"}, "install libc6");
  double (*none)(double) = nullptr;
  CHECK_THROWS_WITH(math.find("sine_of_tomorrow", none),
                    doctest::Contains("libm: libm.so.6 has no function sine_of_tomorrow ("));
}

TEST_CASE("a file that exists but is not a library is the reason in the message") {
  const Scratch scratch;
  const std::string damaged = scratch.write("libcuX.so.2", "this is text");
  CHECK_THROWS_WITH(VendorLibrary("cuX", {damaged, "libcuX.so.1"}, "install cuX"),
                    doctest::Contains("libcuX.so.2: file too short)"));
}
