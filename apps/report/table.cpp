#include "apps/report/table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>

#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double six_digits(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  return std::strtod(text, nullptr);
}

ordered_json number(double v) {
  if (!std::isfinite(v)) return nullptr;
  if (v == std::floor(v) && std::abs(v) < 1e15) return std::int64_t(v);
  return six_digits(v);
}

struct Bin {
  double mean = kNone, low = kNone, high = kNone;
};

Bin bin_of(const std::vector<double>& values, std::size_t from, std::size_t to) {
  Bin bin;
  double sum = 0, count = 0;
  for (std::size_t i = from; i < to; ++i) {
    if (!std::isfinite(values[i])) continue;
    bin.low = count == 0 ? values[i] : std::min(bin.low, values[i]);
    bin.high = count == 0 ? values[i] : std::max(bin.high, values[i]);
    sum += values[i];
    ++count;
  }
  if (count > 0) bin.mean = sum / count;
  return bin;
}

class Reader {
 public:
  void line(const ordered_json& j) {
    ++table.rows;
    for (const auto& [name, value] : j.items())
      if (value.is_object())
        for (const auto& [inner, v] : value.items()) add(std::string(name).append("/").append(inner), v);
      else
        add(name, value);
  }
  Table finish() {
    for (auto& [name, values] : table.columns) values.resize(table.rows, kNone);
    return std::move(table);
  }
  Table table;

 private:
  void add(const std::string& name, const ordered_json& value) {
    if (!value.is_number()) return;
    const auto [place, added] = index_.try_emplace(name, table.columns.size());
    if (added) table.columns.emplace_back(name, std::vector<double>());
    std::vector<double>& values = table.columns[place->second].second;
    values.resize(table.rows - 1, kNone);
    values.push_back(value.get<double>());
  }
  std::map<std::string, std::size_t> index_;
};

}  // namespace

const std::vector<double>* Table::find(const std::string& name) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.first == name; });
  return found == columns.end() ? nullptr : &found->second;
}

Table read_table(const std::string& path) {
  Reader reader;
  std::istringstream file(engine::read_text(path).bytes);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const ordered_json j = ordered_json::parse(line, nullptr, false);
    if (j.is_discarded() && file.eof()) break;
    if (j.is_object())
      reader.line(j);
    else
      reader.table.problems.push_back(engine::concat_text("line ", number, " is not a JSON object"));
  }
  return reader.finish();
}

ordered_json table_json(const Table& table, std::size_t most) {
  ordered_json j = {{"rows", table.rows}, {"columns", ordered_json::object()}};
  const std::size_t count = std::min(table.rows, most);
  for (const auto& [name, values] : table.columns) {
    if (name.find('/') != std::string::npos) continue;
    ordered_json mean = ordered_json::array(), low = ordered_json::array(), high = ordered_json::array();
    for (std::size_t b = 0; b < count; ++b) {
      const Bin bin = bin_of(values, b * table.rows / count, (b + 1) * table.rows / count);
      mean.push_back(number(bin.mean));
      low.push_back(number(bin.low));
      high.push_back(number(bin.high));
    }
    j["columns"][name] = std::move(mean);
    if (table.rows <= most) continue;
    j["low"][name] = std::move(low);
    j["high"][name] = std::move(high);
  }
  return j;
}

std::vector<double> smoothed_rate(const std::vector<double>& rate) {
  std::vector<double> smooth = rate;
  const std::size_t window = std::clamp<std::size_t>(rate.size() / 20, 1, 50);
  for (std::size_t first = 0; first < rate.size(); first += window) {
    const std::size_t end = std::min(first + window, rate.size());
    double seconds = 0;
    for (std::size_t i = first; i < end; ++i) seconds += 1 / rate[i];
    std::fill(smooth.begin() + std::ptrdiff_t(first), smooth.begin() + std::ptrdiff_t(end),
              double(end - first) / seconds);
  }
  return smooth;
}

std::vector<double> elapsed(const std::vector<double>& rate, int batch) {
  std::vector<double> seconds;
  double sum = 0;
  for (const double r : rate) {
    if (r > 0) sum += batch / r;
    seconds.push_back(sum);
  }
  return seconds;
}

}  // namespace apps
