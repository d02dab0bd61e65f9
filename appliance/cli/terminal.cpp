#include "appliance/cli/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include "appliance/cli/exit.h"

namespace fedge::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

constexpr char kInterruptKey = 3;  // Ctrl-C

// Turns echo off for its lifetime. Meanwhile Ctrl-C is an ordinary key that ends the line, and other signals wait, so
// that the terminal is never left mute.
class NoEcho {
  public:
    explicit NoEcho(int fd) : fd_(fd) {
        sigset_t held;
        sigemptyset(&held);
        for (const int signal : {SIGTERM, SIGHUP}) sigaddset(&held, signal);
        sigprocmask(SIG_BLOCK, &held, &before_signals_);
        tcgetattr(fd_, &before_);
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        quiet.c_lflag |= ECHONL;
        quiet.c_cc[VEOL] = kInterruptKey;
        tcsetattr(fd_, TCSAFLUSH, &quiet);
    }
    ~NoEcho() {
        tcsetattr(fd_, TCSAFLUSH, &before_);
        sigprocmask(SIG_SETMASK, &before_signals_, nullptr);
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

  private:
    int fd_;
    termios before_{};
    sigset_t before_signals_{};
};

std::string read_line(int fd) {
    std::string line;
    char c = 0;
    while (read(fd, &c, 1) == 1 && c != '\n') {
        if (c == kInterruptKey) {
            [[maybe_unused]] const ssize_t line_end = write(fd, "\n", 1);
            throw Failure(Exit::usage, "interrupted", "nothing was changed");
        }
        line += c;
    }
    return line;
}

}  // namespace

TerminalSize terminal_size() {
    TerminalSize size;
    winsize window{};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0) size = {window.ws_col, window.ws_row};
    if (const char* columns = std::getenv("COLUMNS")) {
        size_t value = 0;
        const char* end = columns + std::strlen(columns);
        if (std::from_chars(columns, end, value).ptr == end && value > 0) size.columns = value;
    }
    return size;
}

std::string ask_hidden(const std::string& prompt) {
    const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        throw Failure(Exit::usage, "there is no terminal to ask for the password on",
                      "use --password-file FILE, or pipe the password into standard input");
    const std::unique_ptr<const int, void (*)(const int*)> closing(&fd, [](const int* open) { close(*open); });
    const NoEcho quiet(fd);
    return write(fd, prompt.data(), prompt.size()) == static_cast<ssize_t>(prompt.size()) ? read_line(fd) : "";
}

bool pause_unless_interrupted(double seconds) {
    static const bool installed = [] {
        struct sigaction action {};
        action.sa_handler = [](int) { interrupted = 1; };
        sigemptyset(&action.sa_mask);
        return sigaction(SIGINT, &action, nullptr) == 0 && sigaction(SIGTERM, &action, nullptr) == 0;
    }();
    if (!installed) return false;
    timespec left{static_cast<time_t>(seconds), static_cast<long>(std::fmod(seconds, 1.0) * 1e9)};
    while (!interrupted && nanosleep(&left, &left) != 0) {
    }
    return !interrupted;
}

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace fedge::cli
