#include "dataplane/signal/sip/hop_failure.h"

#include "dataplane/policy/diagnostics.h"
#include "dataplane/tls/words.h"

namespace fedge::signal {

uint32_t HopFailure::rank() const {
    switch (code) {
        case 0: return 0;
        case policy::kNotConnected: return 1;
        case policy::kNotNegotiated: return 2;
        default: return 3;
    }
}

std::string HopFailure::parameters() const {
    std::string out;
    if (!type.empty()) out += ";ErrorType=\"" + type + "\"";
    if (!host.empty()) out += ";fqdn=\"" + host + "\";address=\"" + endpoint.text() + "\"";
    return out;
}

HopFailure failure_of(const tls::SessionInfo* tls, bool open, std::string_view why) {
    HopFailure out;
    out.words = tls && !tls->error.empty() ? tls->error : std::string(why);
    switch (tls ? tls->fault : tls::Fault::none) {
        case tls::Fault::peer_certificate:
            out.code = policy::kNotTrusted;
            out.type = "the certificate of the peer " + std::string(tls::certificate_words(tls->peer_error));
            break;
        // Comes of the handshake, which in TLS 1.3 the peer ends behind ours: it reads nothing before.
        case tls::Fault::own_certificate:
            out.code = policy::kNotTrusted;
            out.type = "the peer refuses our certificate: " + tls::alert_words(tls->alert);
            out.unread = true;
            break;
        case tls::Fault::negotiation:
            out.code = policy::kNotNegotiated;
            out.type = tls->alert >= 0 ? "the peer sent the alert " + tls::alert_words(tls->alert)
                                       : "the TLS handshake came to nothing";
            break;
        case tls::Fault::not_reached:
        case tls::Fault::broken:
        case tls::Fault::none: {
            // Ended from here without a word of TLS: in the middle of the handshake, or before it.
            bool reached = open || (tls && tls->reached);
            out.code = reached ? policy::kNotNegotiated : policy::kNotConnected;
            out.type = tls && tls->alert >= 0 ? "the peer sent the alert " + tls::alert_words(tls->alert)
                       : open                 ? "the peer closed the connection before it answered"
                       : reached              ? "the TLS handshake was not finished in time"
                                              : "connect";
            break;
        }
    }
    return out;
}

}  // namespace fedge::signal
