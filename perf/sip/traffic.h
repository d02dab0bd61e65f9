// What the far ends of a SIP proxy say in benchmarks: a partner who sends messages or calls, and a front end that
// answers them. Text in, text out; the connections are others' business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fedge::perf {

// Takes whole messages off the front of `in`; `use` gets their header sections, each line with its end.
void take_messages(std::string& in, const std::function<void(std::string_view header)>& use);

// The front end: answers a request at once, onto `out`. Responses and ACK get nothing.
void answer(std::string& out, std::string_view header);

// The partner: alice@partner.example.org to bob@home.example.org, `window` requests or calls under way at a time.
class Caller {
  public:
    // `run`: letters that no other run through the same proxy has; proxies remember transactions for a while.
    Caller(std::string run, bool calls, uint64_t count, uint64_t window)
        : run_(std::move(run)), calls_(calls), count_(count), window_(window) {}

    void start(std::string& out);
    void on_response(std::string& out, std::string_view header);
    bool over() const { return done_ == count_; }
    uint64_t done() const { return done_; }
    // Refused, and those that are not over.
    uint64_t failed() const { return refused_ + count_ - done_; }

  private:
    void request(std::string& out, std::string_view method, uint64_t number, std::string_view target,
                 std::string_view routes, std::string_view body) const;

    std::string run_;
    bool calls_;
    uint64_t count_, window_;
    uint64_t started_ = 0, done_ = 0, refused_ = 0;
};

}  // namespace fedge::perf
