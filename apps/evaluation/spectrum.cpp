#include "apps/evaluation/spectrum.h"

#include <Eigen/Eigenvalues>
#include <cmath>

#include "engine/error.h"

namespace apps {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix matrix(const engine::Tensor& x) {
  engine::require(x.shape().rank() == 2 && x.dim(0) > 0, "spectrum: x is ", x.shape(), ", expected (N,D)");
  const std::vector<double> values = x.to_vector();
  return Eigen::Map<const Matrix>(values.data(), x.dim(0), x.dim(1));
}

Matrix centred(const engine::Tensor& x) {
  Matrix m = matrix(x);
  m.rowwise() -= m.colwise().mean().eval();
  return m;
}

// The smaller of m m^T and m^T m: both have the squared singular values.
Matrix small_gram(const Matrix& m) {
  return m.rows() < m.cols() ? Matrix(m * m.transpose()) : Matrix(m.transpose() * m);
}

}  // namespace

double effective_rank(const engine::Tensor& x) {
  const Matrix m = centred(x);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(small_gram(m), Eigen::EigenvaluesOnly);
  const Eigen::ArrayXd squares = solver.eigenvalues().array();
  // a value that is zero up to rounding is not a direction
  const double floor = squares.maxCoeff() * 1e-12;
  const Eigen::ArrayXd singular = (squares > floor).select(squares, 0).sqrt();
  const double sum = singular.sum();
  if (!(sum > 0)) return 1;
  double entropy = 0;
  for (const double s : singular)
    if (s > 0) entropy -= s / sum * std::log(s / sum);
  return std::exp(entropy);
}

double relative_deviation(const engine::Tensor& x) {
  const Matrix m = centred(x);
  const double mean = (m.colwise().squaredNorm() / double(m.rows())).array().sqrt().mean();
  return mean * std::sqrt(double(m.cols()));
}

double alignment(const engine::Tensor& a, const engine::Tensor& b) {
  engine::require(a.shape() == b.shape(), "alignment: ", a.shape(), " and ", b.shape(),
                  ", expected the same");
  return (matrix(a) - matrix(b)).rowwise().squaredNorm().mean();
}

double uniformity(const engine::Tensor& a) {
  const Matrix m = matrix(a);
  const auto n = m.rows();
  if (n < 2) return 0;
  double sum = 0;
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < i; ++j) sum += std::exp(-2 * (m.row(i) - m.row(j)).squaredNorm());
  return std::log(sum / (double(n) * double(n - 1) / 2));
}

Plane principal_plane(const engine::Tensor& x) {
  const Matrix m = centred(x);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(small_gram(m));
  const auto& values = solver.eigenvalues();  // ascending
  const double total = values.sum();
  Plane plane;
  plane.points.resize(std::size_t(m.rows()));
  for (int axis = 0; axis < std::min<int>(2, int(values.size())); ++axis) {
    const Eigen::Index at = values.size() - 1 - axis;
    Eigen::VectorXd vector = solver.eigenvectors().col(at);
    // the sign of a direction is arbitrary: make its largest component positive
    Eigen::Index largest = 0;
    vector.cwiseAbs().maxCoeff(&largest);
    if (vector[largest] < 0) vector = -vector;
    const Eigen::VectorXd along = m.rows() < m.cols()
                                      ? Eigen::VectorXd(vector * std::sqrt(std::max(0.0, values[at])))
                                      : Eigen::VectorXd(m * vector);
    for (Eigen::Index i = 0; i < m.rows(); ++i) plane.points[std::size_t(i)][std::size_t(axis)] = along[i];
    plane.explained[std::size_t(axis)] = total > 0 ? values[at] / total : 0;
  }
  return plane;
}

}  // namespace apps
