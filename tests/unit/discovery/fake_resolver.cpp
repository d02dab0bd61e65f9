#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control::discovery::test {

std::vector<uint8_t> wire_name(const std::string& name) {
    std::vector<uint8_t> out;
    for (size_t at = 0; at < name.size();) {
        size_t end = std::min(name.find('.', at), name.size());
        out.push_back(static_cast<uint8_t>(end - at));
        out.insert(out.end(), name.begin() + static_cast<ptrdiff_t>(at), name.begin() + static_cast<ptrdiff_t>(end));
        at = end + 1;
    }
    out.push_back(0);
    return out;
}

std::vector<uint8_t> srv(uint16_t priority, uint16_t weight, uint16_t port, const std::string& target) {
    std::vector<uint8_t> out;
    for (uint16_t value : {priority, weight, port}) {
        out.push_back(static_cast<uint8_t>(value >> 8));
        out.push_back(static_cast<uint8_t>(value));
    }
    auto name = wire_name(target);
    out.insert(out.end(), name.begin(), name.end());
    return out;
}

std::vector<uint8_t> address(const std::string& text) {
    IpAddress parsed = IpAddress::parse(text).value();
    return {parsed.wire().begin(), parsed.wire().end()};
}

DnsAnswer data(std::vector<std::vector<uint8_t>> records, bool secure, uint32_t ttl) {
    DnsAnswer answer;
    answer.status = DnsAnswer::Status::data;
    answer.records = std::move(records);
    answer.secure = secure;
    answer.ttl = ttl;
    return answer;
}

DnsAnswer alias(DnsAnswer answer, const std::string& canonical) {
    answer.canonical = canonical;
    return answer;
}

DnsAnswer no_data(uint32_t ttl) {
    DnsAnswer answer;
    answer.status = DnsAnswer::Status::no_data;
    answer.ttl = ttl;
    return answer;
}

DnsAnswer no_domain(uint32_t ttl) {
    DnsAnswer answer = no_data(ttl);
    answer.status = DnsAnswer::Status::no_domain;
    return answer;
}

DnsAnswer servfail() {
    DnsAnswer answer;
    answer.why = "SERVFAIL";
    return answer;
}

DnsAnswer bogus() {
    DnsAnswer answer;
    answer.status = DnsAnswer::Status::bogus;
    answer.why = "signature expired";
    return answer;
}

uint64_t FakeResolver::ask(const std::string& name, RecordType type, Callback done) {
    asked.push_back(name + " " + name_of(type));
    open_.emplace(next_, Open{name, type, std::move(done)});
    return next_++;
}

void FakeResolver::cancel(uint64_t question) {
    auto found = open_.find(question);
    if (found == open_.end()) return;
    cancelled.push_back(found->second.name + " " + name_of(found->second.type));
    open_.erase(found);
}

size_t FakeResolver::answer_all(Time now) {
    size_t count = 0;
    while (!silent && !open_.empty()) {
        Open open = std::move(open_.begin()->second);
        open_.erase(open_.begin());
        auto found = zone.find({open.name, open.type});
        const DnsAnswer answer = found == zone.end() ? no_domain() : found->second;
        open.done(answer, now);
        count++;
    }
    return count;
}

}  // namespace fedge::control::discovery::test
