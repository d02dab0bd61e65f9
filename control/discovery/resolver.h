// Questions to DNS, one record set each. An interface, so that discovery is tested without DNS and under virtual time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "control/discovery/records.h"
#include "control/problem.h"
#include "control/settings/config.h"

namespace fedge::control::discovery {

using Time = std::chrono::steady_clock::time_point;

struct DnsAnswer {
    enum class Status : uint8_t {
        data,
        no_data,    // the name exists, records of the type do not
        no_domain,  // NXDOMAIN
        bogus,      // signatures are wrong or missing
        failed,     // SERVFAIL, REFUSED, ...: `why` says it
        timed_out,
    };
    Status status = Status::failed;
    bool secure = false;                        // validated by DNSSEC; a proven absence is secure too
    uint32_t ttl = 0;                           // seconds, of the records or of their absence
    std::string canonical;                      // where aliases (CNAME) ended; empty: the name was no alias
    std::vector<std::vector<uint8_t>> records;  // in wire form
    std::string why;

    bool absent() const { return status == Status::no_data || status == Status::no_domain; }
};

class Resolver {
  public:
    using Callback = std::function<void(const DnsAnswer& answer, Time now)>;

    virtual ~Resolver() = default;
    // Begins anew with these settings; what is open is asked again. What of them does not work is in problems().
    virtual void configure(const DnsConfig& config) = 0;
    virtual const std::vector<Problem>& problems() const = 0;

    // `done` is called once, unless the question is cancelled before; never inside of ask(). There is no time-out in
    // here: who asks cancels. The result is never 0.
    virtual uint64_t ask(const std::string& name, RecordType type, Callback done) = 0;
    virtual void cancel(uint64_t question) = 0;

    // Watch descriptor() while it is not -1, and call on_readable() when something came. generation() changes with
    // every new descriptor, even one of the same number.
    virtual int descriptor() const = 0;
    virtual uint64_t generation() const = 0;
    virtual void on_readable(Time now) = 0;
};

}  // namespace fedge::control::discovery
