#include "dataplane/signal/shared_port.h"

#include <array>

namespace fedge::signal {

SharedPort::SharedPort(uint32_t most, Counters counters, SharedServices& services, Instant now)
    : counters_(counters), services_(services), guests_(most), wheel_(most, 100ms, now) {
    for (uint32_t i = most; i-- > 0;) {
        guests_[i].port = this;
        guests_[i].index = i;
        free_.push_back(i);
    }
}

tcp::StreamHandler* SharedPort::accept(tcp::Stream& stream, Instant now) {
    return take(stream, false, now);
}

tcp::StreamHandler* SharedPort::accept_secured(tcp::Stream& stream, std::string_view alpn, std::string_view sni,
                                               Instant now) {
    Opening opening = secured_opening(alpn, sni, *names_, {});
    if (opening == Opening::undecided) return take(stream, true, now);
    std::string_view why;
    return serve(stream, true, opening, why);
}

uint32_t SharedPort::advance(Instant now) {
    return wheel_.advance(now, 64, [&](uint32_t index) {
        counters_.add(Counter::shared_unknown);
        close(guests_[index], "it did not show in time what it is");
    });
}

SharedPort::Guest* SharedPort::take(tcp::Stream& stream, bool secured, Instant now) {
    if (free_.empty()) {
        counters_.add(Counter::shared_full);
        return nullptr;
    }
    Guest& guest = guests_[free_.back()];
    free_.pop_back();
    guest.stream = &stream;
    guest.secured = secured;
    guest.why = {};
    wheel_.arm(guest.index, now + kPatience);
    return &guest;
}

void SharedPort::release(Guest& guest) {
    wheel_.cancel(guest.index);
    guest.stream = nullptr;
    free_.push_back(guest.index);
}

void SharedPort::look(Guest& guest) {
    std::array<uint8_t, kOpeningBytes> bytes;
    Bytes first = Bytes(bytes).first(guest.stream->look(bytes));
    // By ALPN and SNI it was not decided: only what comes first is left.
    Opening opening = guest.secured ? secured_opening({}, {}, *names_, first) : plain_opening(first);
    tcp::Stream& stream = *guest.stream;
    if (opening == Opening::undecided) {
        if (stream.at_end()) close(guest, "it ended before it showed what it is");
        return;
    }
    tcp::StreamHandler* user = serve(stream, guest.secured, opening, guest.why);
    if (!user) return close(guest, guest.why);
    release(guest);
    stream.set_handler(*user);
    user->on_readable();
}

void SharedPort::close(Guest& guest, std::string_view why) {
    guest.why = why;
    guest.stream->abort();
    release(guest);
}

tcp::StreamHandler* SharedPort::serve(tcp::Stream& stream, bool secured, Opening opening, std::string_view& why) {
    why = "too many connections of this kind";
    switch (opening) {
        case Opening::tls: return services_.start_tls(stream);
        case Opening::turn: counters_.add(Counter::shared_turn); return services_.start_turn(stream, secured);
        case Opening::sip:
            counters_.add(Counter::shared_sip);
            why = "SIP, which is not configured here, or too many connections of it";
            return services_.start_sip(stream);
        case Opening::pseudo_tls:
            counters_.add(Counter::shared_pseudo_tls);
            why = "MS-TURN (pseudo-TLS), which this edge does not serve yet";
            return nullptr;
        case Opening::undecided:
        case Opening::unknown: break;
    }
    counters_.add(Counter::shared_unknown);
    why = "neither TLS nor STUN";
    return nullptr;
}

void SharedPort::Guest::describe(tcp::StreamDetails& details) const {
    details.service = "shared-tls";
    details.why = why;
}

}  // namespace fedge::signal
