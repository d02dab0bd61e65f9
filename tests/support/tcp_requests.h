// A client that sends requests to an echo service over many connections at once and checks every reply; written against
// tcp/stream.h alone. All memory is taken at construction: requests cost no heap.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/tcp/stream.h"

namespace fedge::test {

struct RequestPlan {
    IpAddress local;
    Endpoint server;
    uint32_t at_once = 1;                  // connections open at the same time
    uint64_t connections = 0;              // in total; 0: those that are open first, for ever
    uint32_t request_bytes = 64;           // at most kMaxRequest
    uint64_t requests_per_connection = 0;  // then the connection is ended and a new one begun; 0: no end
    tcp::StreamOptions options;
    static constexpr uint32_t kMaxRequest = 1024;
};

struct RequestStats {
    uint64_t opened = 0;
    uint64_t finished = 0;  // ended in order after their last reply
    uint64_t broken = 0;    // closed for any other reason
    uint64_t replies = 0;
    uint64_t wrong = 0;                  // replies that were not the request
    uint64_t no_room = 0;                // connect() had no port or memory; tried again later
    std::array<uint64_t, 16> reasons{};  // how connections were closed, by tcp::CloseReason
};

class RequestClient {
  public:
    RequestClient(tcp::Transport& transport, const RequestPlan& plan);
    ~RequestClient();

    // Opens connections up to the plan; once per turn of the loop.
    void advance();
    // The plan is through: never with connections = 0.
    bool done() const { return plan_.connections != 0 && ended_ == plan_.connections; }
    uint32_t open() const { return open_; }
    const RequestStats& stats() const { return stats_; }

  private:
    struct User;
    void ended(User& user);

    tcp::Transport& transport_;
    RequestPlan plan_;
    std::vector<User> users_;
    std::vector<User*> idle_;
    RequestStats stats_;
    uint64_t begun_ = 0;
    uint64_t ended_ = 0;
    uint32_t open_ = 0;  // established
};

}  // namespace fedge::test
