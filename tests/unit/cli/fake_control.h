// A stand-in for fedge-control: an HTTP server on a UNIX socket in a temporary directory, with canned replies.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fedge::cli::test {

struct Canned {
    int status = 200;
    std::string body;
};

class FakeControl {
  public:
    FakeControl();
    ~FakeControl();
    FakeControl(const FakeControl&) = delete;
    FakeControl& operator=(const FakeControl&) = delete;

    const std::string& path() const { return path_; }

    // `request` is "METHOD /target". Several replies to the same request are given in order, the last one again and
    // again. Anything else is answered with 404.
    void reply(const std::string& request, Canned canned);
    void reply(const std::string& request, const std::string& body) { reply(request, Canned{200, body}); }
    // Sent as it is, whatever it is, instead of HTTP.
    void reply_raw(std::string bytes);
    // Accepts, reads, and never answers.
    void stay_silent();

    // What was asked so far: "METHOD /target" or "METHOD /target BODY".
    std::vector<std::string> requests() const;

  private:
    void serve();
    void answer(int connection);
    std::string response_to(const std::string& request);

    std::string directory_;
    std::string path_;
    int listener_ = -1;
    std::atomic<bool> stop_ = false;
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, std::vector<Canned>> canned_;
    std::vector<std::string> requests_;
    std::string raw_;
    bool silent_ = false;
    std::thread thread_;
};

}  // namespace fedge::cli::test
