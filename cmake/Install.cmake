# The targets for other projects, by find_package(dyad) or FetchContent:
#   dyad::engine     tensors, tape, ops, optimizers, safetensors
#   dyad::models     layers, networks, methods
#   dyad::data       data sets, loader, views
#   dyad::simt       the SIMT layer
#   dyad::simt_main  the SIMT layer with a main() that calls run_kernels() and prints what is found
#   dyad::gradcheck  a main() that checks the cards linked to it
foreach(library IN ITEMS engine models data simt simt_main gradcheck)
  if(TARGET ${library})
    add_library(dyad::${library} ALIAS ${library})
  endif()
endforeach()
if(DYAD_CUDA)
  return()  # an installed tree is one of the CPU device
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(installed settings kernel_settings simt kernels_simt kernels_host kernels engine check_cards gradcheck simt_main)
if(TARGET kernels_cpu)
  list(APPEND installed kernels_cpu)
endif()
set(folders kernels engine)
if(TARGET models)  # not in a sanitizer's build, which serves to check kernels
  list(APPEND installed models data)
  list(APPEND folders models data)
  set(dyad_has_data ON)
endif()
# What `cmake --install --component development` installs.
add_custom_target(development DEPENDS ${installed})
install(TARGETS ${installed} EXPORT dyad ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/dyad COMPONENT development)
foreach(folder IN LISTS folders)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dyad COMPONENT development
    FILES_MATCHING PATTERN "*.h" PATTERN "samples" EXCLUDE)
endforeach()
install(FILES apps/check/run_kernels.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dyad/apps/check COMPONENT development)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/dyad)
install(EXPORT dyad NAMESPACE dyad:: FILE dyadTargets.cmake DESTINATION ${package} COMPONENT development)
get_property(dyad_libraries GLOBAL PROPERTY dyad_libraries)
configure_package_config_file(cmake/dyadConfig.cmake.in ${PROJECT_BINARY_DIR}/dyadConfig.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/dyadConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/dyadConfig.cmake ${PROJECT_BINARY_DIR}/dyadConfigVersion.cmake
  cmake/Libraries.cmake DESTINATION ${package} COMPONENT development)
if(TARGET dyad)
  install(TARGETS dyad RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/dyad COMPONENT program)
  # The man page and the completion scripts: the program prints them when it is installed.
  set(printed ${PROJECT_BINARY_DIR}/printed)
  file(MAKE_DIRECTORY ${printed})
  function(install_printed file destination)  # ...: the arguments with which dyad prints the file
    string(REPLACE ";" " " arguments "${ARGN}")
    install(CODE "execute_process(COMMAND \"$<TARGET_FILE:dyad>\" ${arguments}
      OUTPUT_FILE \"${printed}/${file}\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT program)
    install(FILES ${printed}/${file} DESTINATION ${destination} COMPONENT program)
  endfunction()
  install_printed(dyad.1 ${CMAKE_INSTALL_MANDIR}/man1 man)
  install_printed(dyad ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completion bash)
  install_printed(_dyad ${CMAKE_INSTALL_DATADIR}/zsh/site-functions completion zsh)
  install_printed(dyad.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completion fish)
endif()
