// Connects to a partner as a message to it would, and asks OPTIONS (RFC 3261 section 11): what came of each step, in
// words. One test at a time on a core; it works beside the proxy, and nothing of the proxy's state is touched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/next_hops.h"
#include "dataplane/signal/sip/sip_config.h"

namespace fedge::signal {

// What is to be tested, and what came of it. Travels between threads as a whole.
struct PartnerTestOrder {
    std::string domain;
    std::string from;                // user@domain, whom OPTIONS are said to be from
    std::vector<HopTarget> targets;  // in the order in which they are tried
    HopTerms terms;
    Duration wait{};  // for all of it
};
struct PartnerTestReport {
    struct Step {
        const char* name = "";  // connect | tls | certificate | options
        std::string target;     // host and address
        bool good = false;
        std::string text;
        Duration took{};
    };
    std::vector<Step> steps;
    std::vector<std::string> peer_names;  // that the certificate of the last target that showed one claims
    std::vector<std::string> chain;       // the certificates that it showed, its own first
    std::string error;                    // why nothing could be tested
};

class PartnerTest final : private tcp::StreamHandler {
  public:
    static constexpr Duration kStepTime = 5s;       // to connect with TLS, and again for an answer
    static constexpr size_t kMaxTargets = 16;       // addresses
    static constexpr size_t kMaxAnswer = 64 << 10;  // bytes that are looked at

    // `connector` and `random` outlive this object.
    PartnerTest(SipConnector& connector, Counters counters, Random& random)
        : connector_(connector), counters_(counters), random_(random) {}
    ~PartnerTest();

    bool running() const { return running_; }
    // Not while one is running. `config` is used during the call. It ends by turn(), at once if nothing can be tested.
    void start(PartnerTestOrder order, const SipConfig* config, Instant now);
    // True once, when it is over: report() is what came of it.
    bool turn(Instant now);
    PartnerTestReport& report() { return report_; }

  private:
    enum class Stage : uint8_t { idle, connecting, shaking, asked };

    void on_open() override;
    void on_readable() override;
    void on_writable() override {}
    void on_closed(tcp::CloseReason reason) override;
    void describe(tcp::StreamDetails& details) const override { details.service = "sip-test"; }

    void next_target();
    void step(const char* name, bool good, std::string text);
    void note_certificate(const tls::SessionInfo* tls);
    std::string proved() const;
    void ask();
    void read_answer(std::string_view header);
    void drop();  // the connection, without a word
    void give_up(const char* stage, const std::string& why);
    // Of what ends now; 0: nothing that messages would not pass.
    uint16_t failure_code() const;

    SipConnector& connector_;
    Counters counters_;
    Random& random_;
    bool running_ = false;
    bool good_ = false;  // somebody answered
    PartnerTestOrder order_;
    PartnerTestReport report_;
    std::string own_name_;
    size_t next_ = 0;
    tcp::Stream* stream_ = nullptr;
    const tls::SessionInfo* tls_ = nullptr;
    Stage stage_ = Stage::idle;
    Instant now_{};
    Instant since_{};  // the step began
    Instant ends_{};   // the whole test
    std::string call_;
    std::string answer_;
};

}  // namespace fedge::signal
