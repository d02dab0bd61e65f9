// A look-up whose every answer is chosen by a stranger: status, aliases, times to live, records of any bytes. The input
// is a sequence of answers. Whatever comes, the look-up ends after a bounded number of questions, and a route that is
// found has only targets that the rules allow.
#include <vector>

#include "control/discovery/lookup.h"
#include "dataplane/policy/names.h"
#include "tests/fuzz/expect.h"

namespace {

using namespace fedge;
using control::SipMode;
using namespace fedge::control::discovery;

class Input {
  public:
    Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
    uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
    std::vector<uint8_t> bytes(size_t count) {
        std::vector<uint8_t> out;
        while (count-- && at_ < size_) out.push_back(data_[at_++]);
        return out;
    }

  private:
    const uint8_t* data_;
    size_t size_;
    size_t at_ = 0;
};

DnsAnswer answer_from(Input& input) {
    DnsAnswer answer;
    const uint8_t kind = input.byte();
    answer.status = static_cast<DnsAnswer::Status>(kind % 6);
    answer.secure = kind & 0x40;
    answer.ttl = uint32_t{input.byte()} << (kind & 0x20 ? 24 : 0);
    if (kind & 0x80) answer.canonical = kind & 0x10 ? "a.example" : "elsewhere.example";
    if (answer.status != DnsAnswer::Status::data) return answer;
    for (size_t records = input.byte(); records > 0; records--) answer.records.push_back(input.bytes(input.byte()));
    return answer;
}

void check(const Query& query, const LookupRules& rules, const Found& found) {
    const Route& route = found.route;
    fuzz::expect((route.outcome == Outcome::found) == (!route.targets.empty() || !route.tlsa.empty()),
                 "found is found");
    fuzz::expect(route.outcome == Outcome::found || !route.reason.empty(), "what is not found has a reason");
    fuzz::expect(route.targets.size() <= Lookup::kMaxTargets, "targets are bounded");
    for (const Target& target : route.targets) {
        fuzz::expect(!target.addresses.empty() && target.addresses.size() <= 2 * Lookup::kMaxAddresses,
                     "targets have addresses, but not too many");
        for (const IpAddress& address : target.addresses)
            fuzz::expect(!rules.addresses.refusal(address), "addresses are allowed ones");
        fuzz::expect(!rules.secure_only || target.secure, "targets are validated if they must be");
        if (!query.via.empty()) continue;
        fuzz::expect(!port_refusal(target.port), "ports are allowed ones");
        if (query.service == Service::sip && query.namespace_rule)
            fuzz::expect(policy::in_namespace(target.host, query.domain), "hosts are in the namespace");
    }
    fuzz::expect(route.tlsa.empty() || route.secure, "TLSA records are validated");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t kind = input.byte();
    Query query;
    query.domain = "a.example";
    query.service = static_cast<Service>(kind % 3);
    query.mode = static_cast<SipMode>(kind / 4 % 3);
    query.namespace_rule = kind & 0x40;
    if ((kind & 0x80) || query.service == Service::tlsa) query.via = "host.example";
    if (query.service == Service::tlsa) query.port = 5269;
    const IpAddress own = IpAddress::v4(0xc000020a);
    auto rules = std::make_shared<const LookupRules>(
        LookupRules{AddressRules({}, {}, std::span(&own, 1), true, (kind & 0x20) == 0), (kind & 0x10) != 0});
    Lookup lookup(query, rules);
    std::vector<Question> open = lookup.start();
    size_t asked = open.size();
    while (!open.empty()) {
        const Question question = open.back();
        open.pop_back();
        for (auto& next : lookup.on_answer(question.id, answer_from(input))) {
            open.push_back(std::move(next));
            asked++;
        }
    }
    fuzz::expect(lookup.over(), "the look-up ends when nothing is open");
    fuzz::expect(asked <= 2 + 2 * Lookup::kMaxTargets, "questions are bounded");
    check(query, *rules, lookup.take());
    return 0;
}
