// What the engine asks of the CUDA runtime, so that no other file of it includes a CUDA header. Every
// function but count() throws with the library's message when the runtime refuses.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/stream.h"

namespace engine::cuda {

int count(std::string* why_none);  // devices that can be used; 0 with the reason, never an error
std::string description(int device);
void* allocate(int device, std::size_t bytes);
kernels::CudaStream stream(int device);  // the one compute stream of the device
void copy(void* to, const void* from, std::size_t bytes, int device, bool wait);
void fill(void* at, int byte, std::size_t bytes, int device);
void synchronize(int device);

}  // namespace engine::cuda
