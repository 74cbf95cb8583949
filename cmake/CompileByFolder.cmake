# Compiles each folder of a target's sources as one file (CMake's unity build), which parses the headers that they share
# once: a third of the time. Two files of a folder may not give one name to different things. DYAD_UNITY=OFF compiles
# each file alone, as clang-tidy reads them.
function(compile_by_folder target)
  if(NOT DYAD_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source OUTPUT_VARIABLE folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE folder)
    cmake_path(GET folder PARENT_PATH folder)
    string(MAKE_C_IDENTIFIER "${target}/${folder}" folder)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
  endforeach()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # a false alarm: what a source file keeps to itself, it takes for a header's
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
