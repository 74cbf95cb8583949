# Libraries that Debian has without a CMake package, as imported targets. The installed package has this file too, and
# looks for them on the machine where it is used.

# dyad_library(NAME HEADER PACKAGE): the target dyad::NAME. If it is not found, `missing` says so.
function(dyad_library name header package)
  if(TARGET dyad::${name})
    return()
  endif()
  string(TOUPPER ${name} prefix)
  find_path(${prefix}_INCLUDE_DIR ${header})
  find_library(${prefix}_LIBRARY ${name})
  if(NOT ${prefix}_INCLUDE_DIR OR NOT ${prefix}_LIBRARY)
    set(missing "${header} and lib${name} not found: install ${package}" PARENT_SCOPE)
    return()
  endif()
  add_library(dyad::${name} INTERFACE IMPORTED GLOBAL)
  set_target_properties(dyad::${name} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${${prefix}_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES ${${prefix}_LIBRARY})
endfunction()
