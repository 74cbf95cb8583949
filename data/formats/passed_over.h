// Files and folders that a data set does not use, counted by reason.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace data {

class PassedOver {
 public:
  struct Reason {
    std::size_t count = 0;
    std::vector<std::string> examples = {};  // the first three names, in byte order
  };

  void add(const std::string& reason, const std::string& name);
  void add(const PassedOver&);
  const std::map<std::string, Reason>& reasons() const { return reasons_; }

  std::string text() const;                // "passed over: 2 .webp, 3 hidden", or ""
  std::vector<std::string> lines() const;  // "passed over: 3 hidden: a/._1.jpg, a/._2.jpg ..."

 private:
  static void keep_example(Reason&, const std::string& name);

  std::map<std::string, Reason> reasons_;
};

}  // namespace data
