// What the ranks tell the program that started them through a launcher. mpirun returns one exit code, and
// doesn't say whether a rank chose it or the rank was ended within a library, such as Open MPI's start.
//
// The ranks write to a file in the parent's memory, which an environment variable names. Ranks whose parent
// keeps no such file say nothing.
#pragma once

namespace engine {

class RankEndings {
 public:
  // From here on, started processes know the file. std::system_error if it can't be made.
  RankEndings();
  ~RankEndings();
  RankEndings(const RankEndings&) = delete;
  RankEndings& operator=(const RankEndings&) = delete;

  // Whether a rank chose the exit code that the launcher has ended with, or no rank has begun. Else a rank
  // was ended within a library.
  bool chosen(int code) const;

  bool connected() const;  // a rank has connected to the others

 private:
  bool said(int event) const;

  int file_;
};

// In a rank.
void say_begun() noexcept;
void say_connected() noexcept;
void say_ending(int code) noexcept;  // right before it ends with this exit code

}  // namespace engine
