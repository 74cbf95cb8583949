// Bytes from outside as text: what is escaped, that it can be restored, and that text for people is stable.
#include "engine/escape.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using engine::escaped, engine::restored, engine::shown, engine::as_utf8;

TEST_CASE("escape: what would act on a terminal or a reader is seen instead") {
  CHECK(shown("a\x1b[31mred\x07\n") == "a\\x1b[31mred\\x07\\x0a");
  CHECK(shown("\xc2\x9b"
              "31m") == "\\xc2\\x9b31m");  // C1: CSI in one character
  CHECK(shown("\x9b"
              "31m") == "\\x9b31m");                                      // the same in one byte, not UTF-8
  CHECK(shown("cod\xe2\x80\xaegnp.exe") == "cod\\xe2\\x80\\xaegnp.exe");  // U+202E turns the rest around
  for (const char* hidden : {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9",
                             "\xe2\x80\xaa", "\xe2\x81\xa6", "\xe2\x81\xa9", "\x7f"})
    CHECK(shown(hidden).starts_with("\\x"));
  for (const char* plain :
       {"K\xc3\xa4se", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x90\xb1", "a b\\c", "\xc2\xa0"})
    CHECK(shown(plain) == plain);
  CHECK(shown(shown("\xff\x1b\\x41")) == shown("\xff\x1b\\x41"));
}

TEST_CASE("escape: bytes that are not UTF-8 are escaped one by one, the rest stays") {
  for (const char* wrong : {"\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xc3("})
    CHECK(as_utf8(wrong).starts_with("\\x"));
  CHECK(as_utf8("a\xc3(\xc3\xa4\n") == "a\\xc3(\xc3\xa4\n");
}

TEST_CASE("escape: names are restored, and different names stay different") {
  CHECK(escaped("\xff") == "\\xff");
  CHECK(escaped("\\xff") == "\\x5cxff");
  CHECK(escaped("\\xyz") == "\\xyz");
  std::mt19937 random(1);
  const std::string alphabet("\\x5cfF0a\xff\xc3\xa4\x1b\n\xe2\x80\xae\xed\xa0", 18);
  std::set<std::string> names, texts;
  for (int i = 0; i < 20000; ++i) {
    std::string name;
    for (auto length = random() % 7; length > 0; --length) name += alphabet[random() % alphabet.size()];
    const std::string text = escaped(name);
    REQUIRE(restored(text) == name);
    REQUIRE(as_utf8(text) == text);
    REQUIRE(shown(text) == text);
    names.insert(name), texts.insert(text);
  }
  CHECK(names.size() == texts.size());
}
