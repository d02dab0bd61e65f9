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

// Who writes to whom, and the host that it comes from.
struct Parties {
    std::string_view from, to, host;
};
inline constexpr Parties kInward{"alice@partner.example.org", "bob@home.example.org", "sip.partner.example.org"};
inline constexpr Parties kOutward{"bob@home.example.org", "alice@partner.example.org", "fe1.example.org"};
inline constexpr Parties kFromUser{"carol@home.example.org", "bob@home.example.org", "carol.invalid"};

// Sends messages or begins calls, of which `window` are under way at a time.
class Caller {
  public:
    // `run`: letters that no other run through the same proxy has; proxies remember transactions for a while.
    Caller(std::string run, const Parties& parties, bool calls, uint64_t count, uint64_t window)
        : run_(std::move(run)), parties_(parties), calls_(calls), count_(count), window_(window) {}

    void start(std::string& out);
    void on_response(std::string& out, std::string_view header);
    bool over() const { return done_ == count_; }
    uint64_t done() const { return done_; }
    // Refused, and those that are not over.
    uint64_t failed() const { return refused_ + count_ - done_; }
    uint64_t unavailable() const { return unavailable_; }  // refused by 503

  private:
    void request(std::string& out, std::string_view method, uint64_t number, std::string_view target,
                 std::string_view routes, std::string_view body) const;

    std::string run_;
    Parties parties_;
    bool calls_;
    uint64_t count_, window_;
    uint64_t started_ = 0, done_ = 0, refused_ = 0, unavailable_ = 0;
};

}  // namespace fedge::perf
