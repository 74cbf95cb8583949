# Makes the text of a file a constant of a target: `extern const char* const NAME` in the namespace of the target's folder.
# The source is written while CMake configures, which it does again when the file changes, so that clang-tidy finds it.
function(embed_text target file name)
  cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE path)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  get_filename_component(space ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
namespace @space@ {
extern const char* const @name@;
const char* const @name@ = R"embedded(@text@)embedded";
}  // namespace @space@
]])
  target_sources(${target} PRIVATE ${source})
endfunction()
