// What the steps of policy work on and what they come to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/policy/access.h"
#include "dataplane/policy/admission.h"
#include "dataplane/policy/names.h"
#include "dataplane/policy/partner.h"
#include "dataplane/policy/peer.h"
#include "dataplane/policy/reasons.h"
#include "dataplane/policy/verification.h"
#include "message_generated.h"

namespace fedge::policy {

struct Request {
    Protocol protocol = Protocol::sip;
    Identity from;  // whom the message says that it is from
    Identity to;    // whom it is for
    Content content = Content::im;
    SourceMark mark = SourceMark::missing;  // of messages from outside
};

// What was found about the domain (or server) that a decision asked for.
struct RouteFacts {
    contract::Finding finding = contract::Finding::failed;
    uint16_t code = 0;                        // ms-diagnostics; 0: that of the finding
    bool namespace_rule = true;               // the question was asked with it
    std::span<const std::string_view> hosts;  // SRV targets that may be connected to, in lower case
};

enum class Question : uint8_t { none, route, admission };
// What is to be found out before the decision can be made.
struct Ask {
    Question what = Question::none;
    bool namespace_rule = true;  // targets, and what they are aliases of, must be inside of the domain's namespace
    contract::SrvMode srv_mode = contract::SrvMode::microsoft_then_sips;
    std::string_view via;  // FQDN of a server that the operator named: only its addresses are wanted
};

// Which of the configured rules decided.
enum class RuleKind : uint8_t {
    none,
    allowed,     // entry of the allowed list; text: its name
    blocked,     // entry of the blocked list
    pattern,     // text: as the operator wrote it
    discovered,  // a partner that was found by DNS
    provider,    // text: its name
    setting,     // text: its name
    user_policy,
    site_policy,  // text: the site
    global_policy,
};
struct RuleReference {
    RuleKind kind = RuleKind::none;
    std::string_view text;
};

enum class HopKind : uint8_t {
    none,
    server,         // the FQDN that the operator named for the partner
    default_route,  // the FQDN that gets everything
    provider,       // the provider's FQDN
    targets,        // SRV targets inside of the domain's namespace
};
// Where an outbound message goes: which of the hosts found may be connected to, and what they must prove.
struct NextHop {
    HopKind kind = HopKind::none;
    std::string_view host;  // not of HopKind::targets
    // Whether this target of the route found is one of them. `domain` is Decision::target.
    bool accepts(std::string_view target, std::string_view domain) const;
};

// Views point into the View that decided, and live as long as it.
struct Decision {
    Outcome outcome = Outcome::drop;
    Reason reason = Reason::no_certificate;
    Domain source;  // of From
    Domain target;
    PartnerType type = PartnerType::none;
    const Provider* provider = nullptr;
    RuleReference rule;
    Ask ask;                // outcome ask; about `source` of inbound messages, `target` of outbound ones
    bool verified = false;  // inbound, accepted: what the trust header says; outbound: whether we say so of our user
    bool shared_address_space = false;  // the other side is a user of ours in the provider's house
    bool monitored = false;             // the operator marked the partner
    bool archiving_notice = false;
    NextHop hop;                                                      // outbound
    contract::Purpose purpose = contract::Purpose::server_or_client;  // outbound: of the next hop's certificate

    // Which the next hop's certificate may prove in place of the host's name; empty: only that name counts.
    std::string_view proving_domain() const {
        return hop.kind == HopKind::targets ? target.view() : std::string_view();
    }
    TrustClass trust() const { return trust_of(type); }
    Step step() const { return facts(reason).step; }
    bool accepted() const {
        return outcome == Outcome::deliver || outcome == Outcome::deliver_to_contacts || outcome == Outcome::forward;
    }
};

// Is told of every step that is taken, in words; for explanations. Cores have none.
class Trace {
  public:
    enum class Mark : uint8_t { passed, ended, asks };
    virtual ~Trace() = default;
    virtual void on_step(Step step, Mark mark, const std::string& words) = 0;
};

// "allow contoso.com", "pattern /x/", "setting federation.discovery": for people.
std::string words(const RuleReference& rule);
RuleReference rule_of(const Partner& partner);

}  // namespace fedge::policy
