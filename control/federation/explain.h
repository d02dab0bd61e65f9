// Explains what the edge would make of a message: the steps of policy, told one by one, with what DNS says now.
//
// The steps are those of dataplane/policy itself, on settings and entries in the form in which cores get them: an
// explanation cannot disagree with what they do. What it cannot know is what a discovered partner has sent lately; it
// is taken to be within its limits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/partners/entry.h"
#include "control/settings/federation.h"
#include "dataplane/contract/verdict_memory.h"
#include "dataplane/policy/inbound.h"
#include "dataplane/policy/outbound.h"

namespace fedge::control {

// What explanations are made of.
class ExplainBasis {
  public:
    // `entries`: of domains and users, as far as they concern the names that are explained. Throws std::runtime_error
    // for what the dataplane would refuse.
    ExplainBasis(const FederationConfig& federation, const std::vector<Entry>& patterns,
                 const std::vector<Entry>& entries);

    policy::View view() const;

  private:
    std::unique_ptr<const policy::Config> config_;
    policy::Scratch scratch_;
    std::shared_ptr<const contract::VerdictMemory> table_;
};

struct ExplainQuery {
    bool inbound = false;
    std::string from_user, from_domain;  // domains as A-labels
    std::string to_user, to_domain;
    policy::Protocol protocol = policy::Protocol::sip;
    policy::Content content = policy::Content::im;
    // Of inbound messages:
    policy::SourceMark mark = policy::SourceMark::missing;
    tls::PeerNames names;  // that the peer's certificate proves
    tls::Usages usages;
};

// What has to be asked of DNS, and what it said.
struct RouteQuestion {
    std::string domain;
    std::string via;  // FQDN: its addresses only; empty: SRV of the domain
    contract::SrvMode srv_mode = contract::SrvMode::microsoft_then_sips;
    bool namespace_rule = true;
};
struct RouteAnswer {
    contract::Finding finding = contract::Finding::failed;
    uint16_t code = 0;
    std::string reason;                // in words
    std::vector<std::string> targets;  // "sip.example.com:5061 (192.0.2.1)": for people
    std::vector<std::string> hosts;
    bool validated = false;
    bool stale = false;
};
using RouteFinder = std::function<void(const RouteQuestion&, std::function<void(RouteAnswer)>)>;

struct ExplainedStep {
    policy::Step step;
    policy::Trace::Mark mark;
    std::string words;
};
struct Explanation {
    std::vector<ExplainedStep> steps;  // answers of DNS stand behind the step that asked
    policy::Decision decision;         // views into the basis
    RouteAnswer route;                 // the last that was found; finding failed and no hosts: nothing was asked
    // On the other side of a public IM provider's border the receiver of what goes out, or the sender of what comes in,
    // has another address: this one. Empty: the same, or, if it cannot be written there, a refusal.
    std::string decorated;
    bool cannot_be_decorated = false;
};

// Names of the entries that can matter for a domain: itself and all above it.
std::vector<std::string> with_parents(const std::string& domain);

// `done` is called once; before this returns if nothing is asked, or the finder answers at once.
void explain(std::shared_ptr<ExplainBasis> basis, ExplainQuery query, RouteFinder find,
             std::function<void(const Explanation&)> done);

}  // namespace fedge::control
