# The interface target `settings`: the compile options of all our targets.
add_library(settings INTERFACE)
target_include_directories(settings INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/dyad>)
# file names in messages are relative to the top of the tree
target_compile_options(settings INTERFACE
  $<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=>>
  $<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=>>)
# Not CMAKE_CXX_STANDARD: CMake 3.25 has no CUDA20. A project that uses the installed package may set another one.
target_compile_options(settings INTERFACE $<BUILD_INTERFACE:-std=c++20>)
target_compile_features(settings INTERFACE $<INSTALL_INTERFACE:cxx_std_20>)
if(PROJECT_IS_TOP_LEVEL)  # not for the sources of a project that has dyad as a subdirectory
  target_compile_options(settings INTERFACE $<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:-Wall$<SEMICOLON>-Wextra>>)
endif()
# The compiler's name is that of the project that uses the targets.
target_compile_options(settings INTERFACE
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>  # PR 105651
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-pass-failed>)  # UNROLL is a hint: at -O1 clang may ignore it
if(DYAD_WERROR)
  target_compile_options(settings INTERFACE $<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:-Werror>>)
endif()

# `native` is resolved to a level: ccache hashes the literal flag, so it could return -march=native objects of another
# machine.
if(DYAD_ARCH STREQUAL "native")
  set(DYAD_ARCH_RESOLVED "generic")
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo flags REGEX "^flags" LIMIT_COUNT 1)
    if(flags MATCHES " avx512f " AND flags MATCHES " avx512bw " AND flags MATCHES " avx512dq " AND flags MATCHES " avx512vl ")
      set(DYAD_ARCH_RESOLVED "x86-64-v4")
    elseif(flags MATCHES " avx2 " AND flags MATCHES " fma ")
      set(DYAD_ARCH_RESOLVED "x86-64-v3")
    endif()
  endif()
else()
  set(DYAD_ARCH_RESOLVED ${DYAD_ARCH})
endif()
message(STATUS "dyad: instruction set ${DYAD_ARCH_RESOLVED}")
if(NOT DYAD_ARCH_RESOLVED STREQUAL "generic")
  target_compile_options(settings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=${DYAD_ARCH_RESOLVED}>)
  if(DYAD_ARCH_RESOLVED STREQUAL "x86-64-v4")
    target_compile_options(settings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-mprefer-vector-width=512>)
  endif()
endif()

if(DYAD_SANITIZE)
  target_compile_options(settings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${DYAD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g>)
  target_link_options(settings INTERFACE -fsanitize=${DYAD_SANITIZE})
  target_compile_definitions(settings INTERFACE DYAD_SIMT_ONLY)  # instantiate only the checked variant of each kernel
endif()

if(DYAD_SANITIZE MATCHES "memory")
  # Only kernels' own data is tracked as uninitialized: their variables here, their memory in kernels/simt. Elsewhere
  # libstdc++, which is not instrumented, writes into variables unnoticed.
  target_compile_options(settings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-memory-track-origins=2>
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:HAS_KERNELS>>>:SHELL:-mllvm -msan-poison-stack=0>)
endif()

if(NOT DYAD_SANITIZE MATCHES "thread|memory")  # these sanitizers do not know libgomp's synchronisation
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  target_link_libraries(settings INTERFACE OpenMP::OpenMP_CXX)
endif()

if(DYAD_CUDA)
  enable_language(CUDA)
  if(NOT TARGET CUDA::nvToolsExt)  # CMake 3.25 sets a property of it; CUDA 13 does not have it any more
    add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
  endif()
  find_package(CUDAToolkit REQUIRED)
  target_compile_definitions(settings INTERFACE DYAD_CUDA)
endif()

# Kernel code: sums may be reassociated and vectorised, but NaN and infinity keep their meaning.
add_library(kernel_settings INTERFACE)
target_link_libraries(kernel_settings INTERFACE settings)
if(DYAD_WERROR)
  set(nvcc_warnings -Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Werror)
else()
  set(nvcc_warnings -Xcompiler=-Wall,-Wextra)
endif()
target_compile_options(kernel_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math -freciprocal-math>
  $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr ${nvcc_warnings}>)
