// A control daemon with its real socket and store, and a fake dataplane: the fixture of the tests of the API.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "control/api/server.h"
#include "snapshot_generated.h"
#include "tests/unit/control/fake_dataplane.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control::api {

using Json = nlohmann::json;

struct Answer {
    int status = 0;
    std::string text;
    Json json() const { return Json::parse(text); }
};

// A connection that speaks just enough HTTP/1.1.
class Client {
  public:
    explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        timeval patience{20, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }
    ~Client() { ::close(fd_); }

    void send(const std::string& text) {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }

    // status 0: the connection was closed.
    Answer receive() {
        size_t end;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return {};
        }
        size_t length_at = buffer_.find("Content-Length: ");
        size_t length = length_at < end ? std::stoul(buffer_.substr(length_at + 16)) : 0;
        while (buffer_.size() < end + 4 + length) {
            if (!more()) return {};
        }
        Answer answer{std::stoi(buffer_.substr(9, 3)), buffer_.substr(end + 4, length)};
        buffer_.erase(0, end + 4 + length);
        return answer;
    }
    Answer ask(const std::string& method, const std::string& target, const std::string& body = "") {
        send(method + " " + target + " HTTP/1.1\r\nHost: edge\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
        return receive();
    }

  private:
    bool more() {
        char chunk[4096];
        ssize_t n = ::recv(fd_, chunk, sizeof(chunk), 0);
        if (n > 0) buffer_.append(chunk, static_cast<size_t>(n));
        return n > 0;
    }
    int fd_;
    std::string buffer_;
};

class ApiTest : public testing::Test {
  protected:
    ApiTest() { start(); }
    ~ApiTest() override { stop(); }

    struct Daemon {
        Daemon(const std::string& directory, std::ostream& lines, std::atomic<int64_t>& offset)
            : log(lines, Severity::debug),
              store(directory + "/state"),
              plane(directory + "/dataplane.sock", log),
              control(store, plane, log, {[] { return Clock::now(); }, [&offset] { return ::time(nullptr) + offset; }},
                      directory + "/bundle.pem"),
              server(control, {directory + "/control.sock", ""}, log) {
            control.start();
            thread = std::thread([this] { server.run(); });
        }
        ~Daemon() {
            server.stop();
            thread.join();
        }
        Log log;
        Store store;
        Dataplane plane;
        Control control;
        Server server;
        std::thread thread;
    };

    void start() { daemon_ = std::make_unique<Daemon>(scratch_.path(), lines_, clock_offset_); }
    void stop() { daemon_.reset(); }
    void start_dataplane(FakeDataplane::Behaviour behaviour = {}) {
        fake_ = std::make_unique<FakeDataplane>(scratch_.path() + "/dataplane.sock", std::move(behaviour));
        ASSERT_TRUE(eventually([&] { return get("/v1/status")["dataplane"]["connected"] == true; }));
    }
    static bool eventually(const std::function<bool()>& condition) {
        for (int i = 0; i < 500; i++) {
            if (condition()) return true;
            usleep(20'000);
        }
        return false;
    }

    Answer ask(const std::string& method, const std::string& target, const Json& body = nullptr) {
        Answer answer = Client(socket()).ask(method, target, body.is_null() ? "" : body.dump());
        output_ += answer.text;
        return answer;
    }
    Json get(const std::string& target) {
        Answer answer = ask("GET", target);
        EXPECT_EQ(answer.status, 200) << target << " " << answer.text;
        return answer.json();
    }
    void set_up_edge() {
        Json settings{{"interface.outside.port", "wan"},
                      {"interface.outside.address", {"192.0.2.10/26"}},
                      {"interface.outside.gateway", "192.0.2.1"}};
        ASSERT_EQ(ask("PATCH", "/v1/candidate", {{"set", settings}}).status, 200);
        ASSERT_EQ(ask("POST", "/v1/commit", {{"comment", "first"}}).status, 200);
    }
    std::string socket() const { return scratch_.path() + "/control.sock"; }

    Scratch scratch_;
    std::ostringstream lines_;  // read it when the daemon is stopped
    std::atomic<int64_t> clock_offset_{0};
    std::string output_;  // everything that the API said
    std::unique_ptr<FakeDataplane> fake_;
    std::unique_ptr<Daemon> daemon_;
};

}  // namespace fedge::control::api
