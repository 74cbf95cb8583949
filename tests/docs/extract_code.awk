# Writes each code block of a page that begins with ```cpp PATH to FOLDER/PATH. A block for a catalogue
# (kernels/kernels.h, engine/ops.h) is inserted into a copy of the catalogue, at the end of the namespace.
#   awk -v folder=FOLDER -f tests/docs/extract_code.awk PAGE     in the root of the repository
function close_block() {
  if (path == "kernels/kernels.h" || path == "engine/ops.h") {
    while ((getline line < path) > 0) {
      if (line ~ /^}  \/\/ namespace (kernels|engine)$/) printf "%s", block > (folder "/" path)
      print line > (folder "/" path)
    }
    close(path)
  } else {
    printf "%s", block > (folder "/" path)
  }
  close(folder "/" path)
  path = ""
}
/^```cpp [a-z]/ { path = $2; block = ""; next }
/^```/ { if (path != "") close_block(); next }
path != "" { block = block $0 "\n" }
