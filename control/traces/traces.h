// Traces of SIP that clients of the API read: begun at the cores, kept here until they are read, ended when nobody
// reads them any more. Bounded in number, in messages that wait and in their bytes: what does not fit is counted as
// lost.
//
// Time is an argument; callbacks run inside of the calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/log.h"
#include "control/publish/dataplane.h"
#include "dataplane/base/address.h"

namespace fedge::control {

// Which messages are wanted; empty members fit everything.
struct TraceWish {
    std::string domain;  // in lower case
    std::string call_id;
    uint64_t connection = 0;
    uint32_t rate = 200;  // messages per second and core
};

// One message as the cores have copied it, secrets masked.
struct TracedMessage {
    uint64_t number = 0;  // from 1 on, in the order in which they came
    uint16_t core = 0;
    uint64_t unix_ns = 0;
    bool incoming = false;
    uint64_t connection = 0;
    std::string peer;
    Endpoint remote;
    Endpoint local;
    std::string verdict;
    std::string text;
    uint32_t cut = 0;
    uint64_t lost = 0;  // right before it
};

class Traces {
  public:
    static constexpr size_t kMost = 4;     // at a time; the cores do not take more
    static constexpr size_t kKept = 2000;  // messages of each that wait for their reader
    static constexpr size_t kKeptBytes = 8 << 20;
    static constexpr auto kAbandoned = std::chrono::seconds(10);  // without a reader, then it ends
    static constexpr auto kLongestWait = std::chrono::seconds(5);

    // `messages`: those behind the one that was named; empty when the time was over. `lost`: all up to now.
    using Reader = std::function<void(std::vector<TracedMessage> messages, uint64_t lost)>;

    // References outlive this object. It takes the place of who wants to hear of traced messages.
    Traces(Dataplane& dataplane, Log& log);
    Traces(const Traces&) = delete;
    Traces& operator=(const Traces&) = delete;

    // Throws Refusal when too many run.
    uint32_t start(const TraceWish& wish, const std::string& who, Clock::time_point now);
    // Messages behind number `after`, as soon as there are some; those up to it are dropped. At most `most`. A second
    // reader takes the place of the first, who gets nothing. Throws Refusal (not_found).
    void read(uint32_t id, uint64_t after, size_t most, Clock::duration wait, Clock::time_point now, Reader reader);
    // Throws Refusal (not_found).
    void stop(uint32_t id, const std::string& who);

    void on_tick(Clock::time_point now);
    size_t count() const { return running_.size(); }

  private:
    struct Running {
        TraceWish wish;
        uint64_t connection = 0;  // to the dataplane that was told of it
        std::deque<TracedMessage> kept;
        size_t bytes = 0;
        uint64_t last = 0;  // number
        uint64_t lost = 0;
        uint64_t lost_here = 0;  // since the last message that was kept
        Clock::time_point seen;  // somebody read
        Reader reader;
        size_t most = 0;
        Clock::time_point deadline;
    };

    Running& at(uint32_t id);
    void tell(uint32_t id, Running& running);
    void end(uint32_t id);
    void on_traced(const contract::Traced& traced);
    static void drop_front(Running& running);
    static void serve(Running& running, Clock::time_point now);

    Dataplane& dataplane_;
    Log& log_;
    std::map<uint32_t, Running> running_;
    uint32_t next_id_ = 1;
};

}  // namespace fedge::control
