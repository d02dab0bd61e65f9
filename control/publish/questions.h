// Answers the dataplane's questions where a partner is, tells it when one has moved, and hears from it how connections
// there went. Every question is answered
// before its time is over, be it with "failed". How many may be open is bounded; equal ones share a look-up (see
// discovery/discovery.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "control/discovery/discovery.h"
#include "control/publish/dataplane.h"

namespace fedge::control {

class Questions {
  public:
    static constexpr size_t kMaxOpen = 4096;
    static constexpr auto kMaxWait = std::chrono::seconds(60);
    // The owner's tick, which is when a deadline is seen to be over, and the way to the dataplane.
    static constexpr auto kMargin = std::chrono::milliseconds(250);

    // References outlive this object. It takes the places of those who want to hear of questions and changes.
    Questions(Dataplane& dataplane, discovery::Discovery& discovery);
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    uint64_t answered() const { return answered_; }
    uint64_t refused() const { return refused_; }          // too many were open
    uint64_t undelivered() const { return undelivered_; }  // the dataplane did not take the answer

  private:
    void on_question(const contract::Question& question, Clock::time_point now);
    void on_attempts(const contract::TargetReports& reports, Clock::time_point now);
    void send(uint32_t id, const discovery::Query& query, const discovery::Route& route, Clock::time_point now);

    Dataplane& dataplane_;
    discovery::Discovery& discovery_;
    size_t open_ = 0;
    uint64_t answered_ = 0;
    uint64_t refused_ = 0;
    uint64_t undelivered_ = 0;
};

}  // namespace fedge::control
