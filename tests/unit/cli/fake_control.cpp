#include "tests/unit/cli/fake_control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace fedge::cli::test {
namespace {

bool readable(int fd, int milliseconds) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, milliseconds) == 1;
}

// Headers and body, as far as Content-Length promises.
std::string read_request(int connection, const std::atomic<bool>& stop) {
    std::string text;
    char buffer[4096];
    while (!stop) {
        const size_t head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
            const size_t at = text.find("Content-Length: ");
            const size_t length = at < head ? std::strtoul(text.c_str() + at + 16, nullptr, 10) : 0;
            if (text.size() >= head + 4 + length) return text;
        }
        if (!readable(connection, 20)) continue;
        const ssize_t n = read(connection, buffer, sizeof(buffer));
        if (n <= 0) return {};
        text.append(buffer, static_cast<size_t>(n));
    }
    return {};
}

}  // namespace

FakeControl::FakeControl() {
    char pattern[] = "/tmp/fedge-cli-test-XXXXXX";
    if (!mkdtemp(pattern)) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    path_ = directory_ + "/control.sock";
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener_, 16) != 0)
        throw std::runtime_error("cannot listen on " + path_);
    thread_ = std::thread([this] { serve(); });
}

FakeControl::~FakeControl() {
    stop_ = true;
    thread_.join();
    close(listener_);
    unlink(path_.c_str());
    rmdir(directory_.c_str());
}

void FakeControl::reply(const std::string& request, Canned canned) {
    const std::lock_guard lock(mutex_);
    canned_[request].push_back(std::move(canned));
}

void FakeControl::reply_raw(std::string bytes) {
    const std::lock_guard lock(mutex_);
    raw_ = std::move(bytes);
}

void FakeControl::stay_silent() {
    const std::lock_guard lock(mutex_);
    silent_ = true;
}

std::vector<std::string> FakeControl::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void FakeControl::serve() {
    while (!stop_) {
        if (!readable(listener_, 20)) continue;
        const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        answer(connection);
        close(connection);
    }
}

void FakeControl::answer(int connection) {
    const std::string text = read_request(connection, stop_);
    const size_t first = text.find(' ');
    const size_t second = text.find(' ', first + 1);
    if (second == std::string::npos) return;
    const std::string request = text.substr(0, second);
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    std::string response;
    bool silent = false;
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(body.empty() ? request : request + " " + body);
        response = raw_.empty() ? response_to(request) : raw_;
        silent = silent_;
    }
    while (silent && !stop_ && !readable(connection, 20)) {
    }
    if (!silent && write(connection, response.data(), response.size()) < 0) return;
}

std::string FakeControl::response_to(const std::string& request) {
    Canned canned{404, R"({"error":"the fake has no such route","fix":"add it"})"};
    if (const auto at = canned_.find(request); at != canned_.end()) {
        canned = at->second.front();
        if (at->second.size() > 1) at->second.erase(at->second.begin());
    }
    return "HTTP/1.1 " + std::to_string(canned.status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(canned.body.size()) +
           "\r\nConnection: close\r\n\r\n" + canned.body;
}

}  // namespace fedge::cli::test
