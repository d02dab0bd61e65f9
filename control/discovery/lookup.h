// One discovery, from the first question to the route: which records are asked for, and what becomes of the answers.
// It does no input or output: whoever owns it asks the questions that it returns and brings the answers.
//
// SIP (federation.md 1.10): _sipfederationtls._tcp, then _sips._tcp if DNS says that the former does not exist; a
// failure of DNS, or a target ".", is no reason to try the next one, because who can suppress an answer would then
// choose the record. XMPP: _xmpp-server._tcp and _xmpps-server._tcp as one list; without any of them, the domain itself
// at 5269 (RFC 6120 section 3.2.2). Targets are judged by rules.h, and so is the name at which the alias of a target
// ends: an alias (against RFC 2782, but common) does not lead out of the namespace.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/discovery/route.h"
#include "control/discovery/rules.h"

namespace fedge::control::discovery {

struct Question {
    size_t id = 0;
    std::string name;
    RecordType type = RecordType::srv;
};

struct LookupRules {
    AddressRules addresses;
    bool secure_only = false;  // what DNSSEC does not validate is not used
};

// The route without order and time.
struct Found {
    Route route;
    uint32_t ttl = 0;      // seconds, as DNS gave it, unbounded
    bool partial = false;  // something failed on the way: not for long
};

class Lookup {
  public:
    static constexpr size_t kMaxTargets =
        16;  // of one SRV record set; more are left out, highest priority number first
    static constexpr size_t kMaxAddresses = 8;  // of one target and family

    Lookup(Query query, std::shared_ptr<const LookupRules> rules);

    // Call once. The first questions; none: it is over already.
    std::vector<Question> start();
    // An answer to a question that is open; the questions that follow from it.
    std::vector<Question> on_answer(size_t id, const DnsAnswer& answer);
    bool over() const { return over_; }
    Found take() { return std::move(found_); }

  private:
    struct SrvSet {
        std::string name;
        bool direct_tls = false;
        DnsAnswer answer;
        std::vector<Srv> records;
        size_t malformed = 0;
        bool not_offered = false;  // "."
    };
    struct Host {
        std::string name;
        DnsAnswer answers[2];  // A, AAAA
        bool asked[2] = {};
    };
    struct Open {
        std::string name;
        RecordType type;
        size_t index;  // of SrvSet or Host
    };

    std::vector<Question> ask_srv(std::vector<SrvSet> sets);
    std::vector<Question> ask_tlsa();
    std::vector<Question> ask_addresses();
    std::vector<Question> judge_srv();
    std::vector<Question> add_targets();
    void add_target(const SrvSet& set, const Srv& record);
    void judge_tlsa();
    void judge_addresses();
    void judge_target(Target target);
    void add_addresses(const Host& host, Target& target, bool& failed);
    void refuse(const Target& target, const std::string& address, uint16_t code, std::string why);
    void note(const Open& open, const DnsAnswer& answer);
    void learn_ttl(const DnsAnswer& answer);
    void finish(Outcome outcome, uint16_t code, std::string reason);
    bool judges_namespace() const {
        return query_.service == Service::sip && query_.via.empty() && query_.namespace_rule;
    }

    Query query_;
    std::shared_ptr<const LookupRules> rules_;
    std::map<size_t, Open> open_;
    size_t next_id_ = 1;
    std::vector<SrvSet> sets_;  // those that are being asked for
    std::string absent_;        // names that do not exist, for the reason
    std::vector<Target> targets_;
    std::vector<Host> hosts_;
    DnsAnswer tlsa_;
    bool over_ = false;
    bool secure_ = true;  // every answer so far was
    std::optional<uint32_t> ttl_of_data_;
    std::optional<uint32_t> ttl_of_all_;  // absences too
    Found found_;
};

}  // namespace fedge::control::discovery
