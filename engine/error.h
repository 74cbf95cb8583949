// require(condition, parts...) refuses bad arguments, require_data() bad data. The message is one line: what,
// where and what was expected. It begins with the op or the file: "nt_xent: z is (512,128,1), expected
// (2N,D)".
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace engine {

// UsageError: a mistake on the command line (exit code 2). DataError: invalid input data (exit code 65).
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A file that can't be used now, or not for this, although nothing shows that it is damaged: no permission, a
// disk's error, too many open files. Whoever removes damaged files leaves it alone.
struct UnusableFile : DataError {
  using DataError::DataError;
};

template <class... Parts>
std::string concat_text(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <class... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    throw std::invalid_argument(concat_text(parts...));
}

template <class... Parts>
void require_data(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    throw DataError(concat_text(parts...));
}

template <class... Parts>
void require_usable(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    throw UnusableFile(concat_text(parts...));
}

}  // namespace engine
