// Ranks started by an MPI launcher (mpirun, srun): collectives of the CPU device. Tensors of a CUDA device
// are copied through the host. That is a slow reference, with which several ranks can share one GPU in a
// test.
#pragma once

#include <memory>

#include "engine/ranks/communicator.h"

namespace engine {

bool mpi_is_built_in();
std::string mpi_version();  // "Open MPI v4.1.4"

// Joins the ranks of this job. A collective that takes longer than `timeout` seconds throws RankError. At
// most one call per process, since MPI cannot be initialized twice. UsageError if dyad was built without MPI.
std::unique_ptr<Communicator> connect_mpi(double timeout);

}  // namespace engine
