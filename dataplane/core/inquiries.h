// Management's part of the questions of cores: equal ones of several cores become one question to control, the answer
// goes to all of them, and news to all cores. Without control every question ends at once with "failed".
//
// Time is an argument; what is sent and delivered goes through callbacks, so that it can be tested without a dataplane.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/core/inquiry.h"
#include "message_generated.h"

namespace fedge::core {

// What control answered, in the form of the cores: no more than they take, in the same order.
policy::Route route_of(const contract::Answer& answer);

class Inquiries {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr size_t kMostNews = 4096;  // that wait for their way to the cores; beyond, the oldest are lost
    static constexpr auto kGrace = std::chrono::seconds(1);  // beyond a question's time, until its object goes back

    // Sends a question to control. False: it cannot be sent.
    using Ask = std::function<bool(uint32_t id, const Inquiry& inquiry)>;
    // Gives the object to the core that it names.
    using Deliver = std::function<void(Inquiry*)>;

    // News go to `cores`, by number.
    Inquiries(std::vector<uint16_t> cores, Ask ask, Deliver deliver);

    // A core's question; or an object of ours that comes back.
    void on_inquiry(Inquiry* inquiry, Time now);
    void on_answer(const contract::Answer& answer);
    void on_control_gone();
    void advance(Time now);

    size_t open() const { return by_id_.size(); }

  private:
    using Subject = std::tuple<std::string, std::string, contract::Discoverable, contract::SrvMode, bool>;
    struct Open {
        Subject subject;
        Time deadline;
        std::vector<Inquiry*> waiting;
    };

    void fail(Inquiry* inquiry, std::string_view why);
    void send_news();

    Ask ask_;
    Deliver deliver_;
    std::map<uint32_t, Open> by_id_;
    std::map<Subject, uint32_t> by_subject_;
    uint32_t next_id_ = 1;
    std::vector<Inquiry> objects_;             // for news
    std::vector<std::vector<Inquiry*>> free_;  // by position in cores_
    std::vector<uint16_t> cores_;
    std::deque<std::pair<std::string, contract::Discoverable>> news_;
    std::vector<uint64_t> told_;  // by position in cores_: how many of all news the core was told
    uint64_t forgotten_ = 0;      // how many of all news are not in news_ any more
};

}  // namespace fedge::core
