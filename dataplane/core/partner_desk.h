// What the SIP proxy of a core asks about partners, answered from the core's questions to control and from the count of
// discovered partners that all cores share; and what it tells of them.
#pragma once

#include <array>

#include "dataplane/base/time.h"
#include "dataplane/core/attempt_reports.h"
#include "dataplane/core/run_config.h"
#include "dataplane/policy/discovered_partners.h"
#include "dataplane/policy/questions.h"
#include "dataplane/signal/sip/partner_finder.h"

namespace fedge::core {

class PartnerDesk final : public signal::PartnerFinder {
  public:
    // All outlive this object.
    PartnerDesk(policy::Questions& questions, policy::DiscoveredPartners& partners, AttemptRing& attempts)
        : questions_(questions), partners_(partners), attempts_(attempts) {}

    void adopt(const RunConfig& config) { config_ = &config; }
    void set_time(Instant now) { now_ = now; }

    Answer find(std::string_view domain, const policy::Ask& ask, signal::FoundRoute& route, uint64_t& key) override;
    policy::Admission admit(std::string_view domain, std::string_view user, std::string_view user_domain) override;
    void on_final(std::string_view domain, uint16_t status) override;
    void on_attempt(std::string_view host, const Endpoint& endpoint, const signal::HopFailure* failure) override {
        attempts_.put({host, endpoint, failure ? failure->code : uint16_t{0},
                       failure ? std::string_view(failure->words) : std::string_view{}});
    }

  private:
    policy::Questions& questions_;
    policy::DiscoveredPartners& partners_;
    AttemptRing& attempts_;
    const RunConfig* config_ = nullptr;
    Instant now_;
    std::array<signal::FoundTarget, policy::kMaxTargets> targets_;
};

}  // namespace fedge::core
