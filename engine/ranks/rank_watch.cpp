#include "engine/ranks/rank_watch.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "engine/ranks/rank_endings.h"
#include "engine/ranks/watch_address.h"

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kTryAgain = 75;                   // EX_TEMPFAIL
constexpr std::chrono::seconds kUnwinding(10);  // for the main thread of rank 0 to write how the run ended
constexpr std::chrono::seconds kPatience(2);    // for another rank's failure to become known
constexpr std::chrono::seconds kGreeting(5);    // for the first line of a connection, which has at most
constexpr std::size_t kGreetingBytes = 512;     // this many bytes

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(concat_text("rank watch: ", what, ": ", std::strerror(errno)));
  return result;
}

// The addresses under which other hosts may reach this one.
std::vector<std::string> own_addresses() {
  std::vector<std::string> all;
  ifaddrs* list = nullptr;
  checked(getifaddrs(&list), "getifaddrs");
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
    if (std::string(text).rfind("127.", 0) != 0) all.emplace_back(text);
  }
  freeifaddrs(list);
  return all;
}

// A connection that carries lines of text.
struct Line {
  int fd = -1, rank = -1;
  std::string host = "", received = "";
  Clock::time_point heard = Clock::now(), begun = heard;
  bool goodbye = false;

  // The whole lines received so far, of at most `most` bytes in all. closed: the other side has closed the
  // connection.
  std::vector<std::string> read(bool& closed, std::size_t most = 1 << 20) {
    char buffer[512];
    closed = false;
    while (received.size() < most) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        received.append(buffer, std::size_t(n));
        heard = Clock::now();
      } else {
        closed = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
        break;
      }
    }
    std::vector<std::string> lines;
    for (std::size_t end; (end = received.find('\n')) != std::string::npos; received.erase(0, end + 1))
      lines.push_back(received.substr(0, end));
    return lines;
  }
  // Errors are ignored: read() detects a closed connection.
  void write(const std::string& line) const {
    const std::string text = line + "\n";
    (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
};

int listen_on(const std::string& address, int& port) {
  const int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in own{};
  own.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &own.sin_addr);
  checked(bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own), "bind");
  checked(listen(fd, 1024), "listen");
  socklen_t length = sizeof own;
  checked(getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length), "getsockname");
  port = ntohs(own.sin_port);
  return fd;
}

// -1 if nobody listens there.
int connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  int fd = -1;
  for (const addrinfo* a = found; a != nullptr && fd < 0; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    timeval limit{5, 0};
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  return fd;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

}  // namespace

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  return name;
}

struct RankWatch::State {
  int rank, size;
  std::string speaker, host = host_name();
  std::chrono::duration<double> timeout;
  std::vector<Line> lines;  // rank 0: to every other rank; else: to rank 0
  std::mutex writing;
  std::atomic<bool> stop = false;
  std::thread thread;
  Communicator* communicator = nullptr;
  std::chrono::duration<double> slept{0};  // between two looks at the connections
  std::atomic<bool> ending = false;        // another rank has failed or is lost, known to rank 0 by its watch
  std::string end_reason = "";
  int end_code = 0;

  // Rank 0 waits for the others' connections, at most for the timeout.
  void accept_all(int listener, const std::string& token) {
    const auto until = Clock::now() + timeout;
    std::vector<Line> fresh;
    while (int(lines.size()) < size - 1) {
      pollfd ready{listener, POLLIN, 0};
      if (Clock::now() > until)
        throw RankError(concat_text("rank watch: ", lines.size(), " of ", size - 1,
                                    " other ranks have connected to rank 0 on ", host, " within ",
                                    timeout.count(), " s"));
      if (poll(&ready, 1, 20) > 0) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) fresh.push_back({.fd = fd});
      }
      for (std::size_t i = 0;
           i < fresh.size();) {  // a rank sends "hello TOKEN RANK HOST"; others are rejected
        bool closed = false;
        const auto said = fresh[i].read(closed, kGreetingBytes);
        const bool late = Clock::now() - fresh[i].begun > kGreeting;
        if (said.empty() && !closed && !late && fresh[i].received.size() < kGreetingBytes) {
          ++i;
          continue;
        }
        const auto w = said.empty() ? std::vector<std::string>() : words(said[0]);
        if (w.size() == 4 && w[0] == "hello" && w[1] == token) {
          fresh[i].rank = std::stoi(w[2]);
          fresh[i].host = w[3];
          lines.push_back(fresh[i]);
        } else {
          close(fresh[i].fd);
        }
        fresh.erase(fresh.begin() + std::ptrdiff_t(i));
      }
    }
    for (const Line& l : fresh) close(l.fd);
  }

  // Prints one line, tells the other ranks to leave, and exits at once: the main thread may be blocked in a
  // collective for ever. The line comes first: a launcher may kill this rank as soon as another one has left.
  [[noreturn]] void leave(const std::string& why, int code) {
    std::fprintf(stderr, "%s: %s\n", speaker.c_str(), why.c_str());
    std::fflush(stderr);
    if (rank == 0)
      for (const Line& l : lines) l.write(concat_text("leave ", code));
    say_ending(code);
    _exit(code);
  }

  // Another rank has ended. The main thread of rank 0 is woken, so that it writes how the run ended; the
  // other ranks have nothing to write.
  void end(const std::string& why, int code) {
    if (rank != 0) {
      if (rank > 1) std::this_thread::sleep_for(kPatience);  // rank 1 speaks for those that a launcher ends
      leave(why, code);
    }
    if (ending) return;
    end_reason = why;
    end_code = code;
    ending = true;
    communicator->abort(why);
  }
  void lost(const Line& l, const std::string& how) {
    end(concat_text("rank ", l.rank, " on ", l.host, " is lost (", how,
                    "); rerun with --resume auto to continue from the newest checkpoint"),
        kTryAgain);
  }

  void look(Line& l) {
    bool closed = false;
    for (const std::string& said : l.read(closed)) {
      if (said == "bye") l.goodbye = true;
      int code = kTryAgain, text = 0;
      if (std::sscanf(said.c_str(), "leave %d", &code) == 1) {  // rank 0 has printed why
        say_ending(code);
        _exit(code);
      }
      if (std::sscanf(said.c_str(), "failed %d %n", &code, &text) == 1)
        end(concat_text("rank ", l.rank, " on ", l.host, " failed: ", said.substr(std::size_t(text))), code);
    }
    if (l.goodbye || stop || ending) return;
    if (closed && rank == 0 && slept > timeout / 2) was_stopped();
    if (closed) lost(l, "its connection has closed");
    if (Clock::now() - l.heard > timeout) lost(l, concat_text("silent for ", timeout.count(), " s"));
  }

  // Rank 0 has not run for a time (SIGSTOP, a machine that slept), and another rank has given it up: that its
  // connection has closed is no fault of its own.
  void was_stopped() {
    end(concat_text("rank 0 on ", host, " was stopped for ", std::lround(slept.count()),
                    " s, and the other ranks have given it up; rerun with --resume auto to continue from the "
                    "newest checkpoint"),
        kTryAgain);
  }

  void run() {
    auto said = Clock::now(), awake = said;
    const auto beat = timeout / 10;
    while (!stop && !ending) {
      std::vector<pollfd> fds;
      for (const Line& l : lines) fds.push_back({l.goodbye ? -1 : l.fd, POLLIN, 0});
      const std::chrono::duration<double> pause =
          std::min<std::chrono::duration<double>>(beat, std::chrono::milliseconds(200));
      poll(fds.data(), fds.size(), int(pause.count() * 1000) + 1);
      const std::lock_guard lock(writing);
      slept = Clock::now() - awake;
      awake = Clock::now();
      for (Line& l : lines) look(l);
      if (Clock::now() - said > beat) {
        said = Clock::now();
        for (const Line& l : lines)
          if (!l.goodbye) l.write("alive");
      }
    }
    const auto until = Clock::now() + kUnwinding;
    while (ending && !stop) {
      if (Clock::now() > until) {
        const std::lock_guard lock(writing);
        leave(end_reason, end_code);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
};

RankWatch::RankWatch(Communicator& c, std::string speaker, double timeout) : state_(new State) {
  State& s = *state_;
  s.rank = c.rank();
  s.size = c.size();
  s.speaker = std::move(speaker);
  s.timeout = std::chrono::duration<double>(timeout);
  s.communicator = &c;
  if (s.size == 1) return;

  const std::string address = watch_address(exchange_texts(c, s.host), s.host);
  std::string where;  // "TOKEN PORT HOST ADDRESS ..."
  int listener = -1;
  if (s.rank == 0) {
    int port = 0;
    listener = listen_on(address, port);
    std::random_device random;  // a token of 128 bits
    where = concat_text(random(), "-", random(), "-", random(), "-", random(), " ", port, " ", s.host);
    for (const std::string& a :
         address == kAllInterfaces ? own_addresses() : std::vector<std::string>{address})
      where += " " + a;
  }
  const auto w = words(exchange_texts(c, where)[0]);
  if (s.rank == 0) {
    s.accept_all(listener, w[0]);
    close(listener);
  } else {
    int fd = -1;
    for (std::size_t i = 3; i < w.size() && fd < 0; ++i) fd = connect_to(w[i], w[1]);
    if (fd < 0) fd = connect_to(w[2], w[1]);
    if (fd < 0) throw RankError("rank watch: rank 0 on " + w[2] + " can't be reached, port " + w[1]);
    s.lines.push_back({.fd = fd, .rank = 0, .host = w[2]});
    s.lines[0].write(concat_text("hello ", w[0], " ", s.rank, " ", s.host));
  }
  s.thread = std::thread([&s] { s.run(); });
}

RankWatch::~RankWatch() {
  State& s = *state_;
  s.stop = true;
  if (s.thread.joinable()) s.thread.join();
  for (const Line& l : s.lines) {
    l.write("bye");
    close(l.fd);
  }
}

void RankWatch::failed(const std::string& why, int code) noexcept {
  State& s = *state_;
  if (!s.thread.joinable()) return;
  // Another rank's failure may be the cause of this one. Its line then is the one to print.
  if (code == kTryAgain && !s.ending) std::this_thread::sleep_for(kPatience);
  if (s.rank != 0) {
    {
      const std::lock_guard lock(s.writing);
      s.lines[0].write(concat_text("failed ", code, " ", why));
    }
    std::this_thread::sleep_for(kUnwinding + kPatience);  // rank 0's answer ends this process
  }
  const std::lock_guard lock(s.writing);
  if (s.ending) s.leave(s.end_reason, s.end_code);
  s.leave(why, code);
}

}  // namespace engine
