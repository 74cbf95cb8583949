// A checker of HTML and SVG.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

// Returns the first XML error: tags that don't nest, bare '<' or '&'; "" if there is none.
inline std::string malformed(const std::string& html) {
  std::vector<std::string> open;
  const auto at = [](std::size_t i) { return " at byte " + std::to_string(i); };
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (html[i] == '&') {
      const auto end = html.find(';', i);
      if (end == std::string::npos || end - i > 8) return "a bare &" + at(i);
    }
    if (html[i] != '<') continue;
    const auto end = html.find('>', i);
    if (end == std::string::npos) return "a tag without end" + at(i);
    std::string tag = html.substr(i + 1, end - i - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0 || tag.find('<') != std::string::npos)
      return "a tag with quotes that are open: " + tag.substr(0, 80);
    i = end;
    if (tag[0] == '!' || tag.back() == '/') continue;
    const std::string name = tag.substr(tag[0] == '/', tag.find_first_of(" \n") - (tag[0] == '/'));
    if (tag[0] != '/') {
      open.push_back(name);
      for (const char* raw : {"style", "script"})  // what they hold is not markup
        if (name == raw) i = html.find(std::string("</") + raw, i) - 1;
    } else if (open.empty() || open.back() != name) {
      return "</" + name + ">" + at(i) + " closes " + (open.empty() ? "nothing" : "<" + open.back() + ">");
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}
