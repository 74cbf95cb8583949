#include "engine/ranks/communicator.h"

namespace engine {
namespace {

class Single : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce_sum(const Tensor&) override {}
  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& counts) override {
    gather_counts(*this, rows, counts);
    return rows;
  }
  Tensor reduce_scatter_sum(const Tensor& rows) override { return rows; }
  void broadcast(const Tensor&, int from_rank) override {
    require(from_rank == 0, "broadcast: rank ", from_rank, " of 1");
  }
  void barrier() override {}
};

}  // namespace

Communicator& single() {
  static Single communicator;
  return communicator;
}

std::vector<std::string> exchange_texts(Communicator& c, const std::string& own) {
  const auto size = std::int64_t(own.size());
  const Tensor length({1}, DType::i64, cpu), bytes({size}, DType::u8, cpu);
  *length.data<std::int64_t>() = size;
  copy_bytes(bytes.raw(), cpu, own.data(), cpu, own.size());
  const Tensor lengths = c.all_gather(length.to(c.device())).to(cpu);
  const std::int64_t* counts = lengths.data<std::int64_t>();
  const Tensor all = c.all_gather(bytes.to(c.device()), {counts, counts + c.size()}).to(cpu);
  std::vector<std::string> texts;
  const char* at = static_cast<const char*>(all.raw());
  for (int r = 0; r < c.size(); at += counts[r++]) texts.emplace_back(at, std::size_t(counts[r]));
  return texts;
}

std::vector<std::int64_t> gather_counts(const Communicator& c, const Tensor& rows,
                                        const std::vector<std::int64_t>& counts) {
  require(rows.shape().rank() >= 1, "all_gather: the tensor is ", rows.shape(), ", expected rows");
  if (counts.empty()) return std::vector<std::int64_t>(std::size_t(c.size()), rows.dim(0));
  require(int(counts.size()) == c.size() && counts[std::size_t(c.rank())] == rows.dim(0),
          "all_gather: ", counts.size(), " counts of rows for ", c.size(), " ranks, and ", rows.dim(0),
          " rows here");
  return counts;
}

}  // namespace engine
