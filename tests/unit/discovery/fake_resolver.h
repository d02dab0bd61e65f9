// A DNS for tests: zones are a table, answers come when the test says so. And records in wire form.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/discovery/resolver.h"

namespace fedge::control::discovery::test {

std::vector<uint8_t> wire_name(const std::string& name);
std::vector<uint8_t> srv(uint16_t priority, uint16_t weight, uint16_t port, const std::string& target);
std::vector<uint8_t> address(const std::string& text);

// With TTL 600 unless said otherwise.
DnsAnswer data(std::vector<std::vector<uint8_t>> records, bool secure = false, uint32_t ttl = 600);
DnsAnswer alias(DnsAnswer answer, const std::string& canonical);
DnsAnswer no_data(uint32_t ttl = 600);
DnsAnswer no_domain(uint32_t ttl = 600);
DnsAnswer servfail();
DnsAnswer bogus();

class FakeResolver : public Resolver {
  public:
    void configure(const DnsConfig&) override { configured++; }
    const std::vector<Problem>& problems() const override { return problems_; }
    uint64_t ask(const std::string& name, RecordType type, Callback done) override;
    void cancel(uint64_t question) override;
    int descriptor() const override { return -1; }
    uint64_t generation() const override { return 0; }
    void on_readable(Time now) override { answer_all(now); }

    // What is not in the zone does not exist.
    std::map<std::pair<std::string, RecordType>, DnsAnswer> zone;
    bool silent = false;  // keeps questions to itself
    size_t configured = 0;
    std::vector<std::string> asked;  // "NAME TYPE", all of them, in order
    std::vector<std::string> cancelled;

    void set(const std::string& name, RecordType type, DnsAnswer answer) { zone[{name, type}] = std::move(answer); }
    // Answers what is open, and what is asked meanwhile; how many they were.
    size_t answer_all(Time now);
    size_t open() const { return open_.size(); }

  private:
    struct Open {
        std::string name;
        RecordType type;
        Callback done;
    };
    std::map<uint64_t, Open> open_;
    uint64_t next_ = 1;
    std::vector<Problem> problems_;
};

}  // namespace fedge::control::discovery::test
