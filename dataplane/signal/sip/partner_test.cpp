#include "dataplane/signal/sip/partner_test.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/signal/sip/hop_failure.h"
#include "dataplane/sip/message.h"
#include "dataplane/tls/names.h"

namespace fedge::signal {
namespace {

std::string hex(uint64_t number) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[number >> shift & 15];
    return out;
}

std::string words(tcp::CloseReason reason) {
    switch (reason) {
        case tcp::CloseReason::refused:
            return "the connection was refused: nothing listens there, or a firewall says so";
        case tcp::CloseReason::timed_out: return "nobody answered: a firewall drops it, or the host is down";
        case tcp::CloseReason::unreachable: return "the network says that the host cannot be reached";
        default: return "the connection ended: " + std::string(tcp::name(reason));
    }
}

// What those are told who send a message there now.
std::string told(uint16_t code) {
    const policy::Diagnostic* known = policy::diagnostic(code);
    return known ? "; senders are told " + std::to_string(known->status) + ", ms-diagnostics " + std::to_string(code)
                 : std::string();
}

}  // namespace

PartnerTest::~PartnerTest() {
    drop();
}

void PartnerTest::start(PartnerTestOrder order, const SipConfig* config, Instant now) {
    counters_.add(Counter::sip_tests);
    order_ = std::move(order);
    report_ = {};
    running_ = true;
    good_ = false;
    next_ = 0;
    now_ = now;
    ends_ = now + order_.wait;
    if (order_.targets.size() > kMaxTargets) order_.targets.resize(kMaxTargets);
    if (!config) {
        report_.error = "SIP is not configured";
        next_ = order_.targets.size();
        return;
    }
    own_name_ = config->outside;
    next_target();
}

bool PartnerTest::turn(Instant now) {
    now_ = now;
    if (!running_) return false;
    if (stage_ == Stage::connecting && tls_ && tls_->reached) {
        step("connect", true, "TCP is established");
        stage_ = Stage::shaking;
    }
    if (stage_ != Stage::idle && (now_ - since_ > kStepTime || now_ > ends_)) {
        const char* name = stage_ == Stage::connecting ? "connect" : stage_ == Stage::shaking ? "tls" : "options";
        give_up(name, stage_ == Stage::connecting ? words(tcp::CloseReason::timed_out) : "no answer came in time");
    }
    if (stage_ == Stage::idle && !good_ && next_ < order_.targets.size() && now_ < ends_) next_target();
    if (stage_ != Stage::idle) return false;
    running_ = false;
    return true;
}

void PartnerTest::next_target() {
    const HopTarget& target = order_.targets[next_++];
    tls::ClientOptions options = client_options(target, order_.terms);
    options.note_peer = true;
    answer_.clear();
    since_ = now_;
    stage_ = Stage::connecting;
    stream_ = connector_.connect(contract::Role::external, target.endpoint, options, *this);
    if (!stream_) {
        stage_ = Stage::idle;
        return step("connect", false,
                    "this edge has no external address of that family, no certificate, or no room for a connection");
    }
    tls_ = connector_.tls(*stream_);
}

void PartnerTest::step(const char* name, bool good, std::string text) {
    const HopTarget& target = order_.targets[next_ - 1];
    report_.steps.push_back({name, target.host + " " + target.endpoint.text(), good, std::move(text), now_ - since_});
    since_ = now_;
}

void PartnerTest::note_certificate(const tls::SessionInfo* tls) {
    if (!tls || !tls->peer_notes) return;
    report_.chain = tls->peer_notes->chain;
    report_.peer_names.clear();
    for (const tls::PeerName& name : tls->peer_notes->names) report_.peer_names.push_back(name.text());
}

void PartnerTest::on_open() {
    tls_ = connector_.tls(*stream_);
    if (stage_ == Stage::connecting) step("connect", true, "TCP is established");
    stage_ = Stage::shaking;
    if (tls_) {
        std::string text = tls_->version + ", " + tls_->cipher;
        if (!tls_->certificate.empty()) text += "; we showed the certificate " + tls_->certificate;
        step("tls", true, text);
        note_certificate(tls_);
        step("certificate", true, "it proves " + proved());
    }
    ask();
}

// Of what was expected.
std::string PartnerTest::proved() const {
    const std::string& host = order_.targets[next_ - 1].host;
    return tls::proves(tls_->peer_names, host, tls::Matching::sip) ? host : order_.terms.domain;
}

void PartnerTest::ask() {
    stage_ = Stage::asked;
    call_ = hex(random_.u64()) + "@" + own_name_;
    std::string tag = hex(random_.u64());
    std::string text = "OPTIONS sip:" + order_.domain + " SIP/2.0\r\nVia: SIP/2.0/TLS " + own_name_ +
                       ";branch=z9hG4bK" + tag + "\r\nMax-Forwards: 70\r\nFrom: <sip:" + order_.from + ">;tag=" + tag +
                       "\r\nTo: <sip:" + order_.domain + ">\r\nCall-ID: " + call_ +
                       "\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n";
    if (stream_->write(bytes_of(text)) < text.size()) give_up("options", "the connection takes nothing");
}

// Of what comes only header sections are looked at, and of these only the answer's; anything else is passed over.
void PartnerTest::on_readable() {
    while (stream_) {
        Bytes input = stream_->peek();
        if (!stream_) return;
        if (input.empty()) {
            if (stream_->at_end()) give_up("options", "the partner closed the connection without an answer");
            return;
        }
        if (answer_.size() + input.size() > kMaxAnswer) return give_up("options", "what came is too long");
        answer_ += text_of(input);
        stream_->consume(input.size());
        for (size_t begin = 0; stage_ == Stage::asked;) {
            while (begin < answer_.size() && (answer_[begin] == '\r' || answer_[begin] == '\n')) begin++;
            size_t end = answer_.find("\r\n\r\n", begin);
            if (end == std::string::npos) break;
            read_answer(std::string_view(answer_).substr(begin, end + 4 - begin));
            begin = answer_.find("SIP/2.0 ", end);
            if (begin == std::string::npos) break;
        }
    }
}

void PartnerTest::read_answer(std::string_view header) {
    auto message = std::make_unique<sip::Message>();
    if (message->parse(header) != sip::MessageFault::none || message->is_request()) return;
    if (message->call_id() != call_ || message->status_code() < 200) return;
    uint16_t status = message->status_code();
    std::string text = std::to_string(status) + " " + std::string(message->reason());
    for (std::string_view name : {"ms-diagnostics-public", "ms-diagnostics", "Warning", "Server", "User-Agent"})
        if (const sip::Field* field = message->find(name))
            text += "; " + std::string(name) + ": " + std::string(message->value(*field));
    // Not every server serves OPTIONS, or the domain alone, but who says so speaks SIP with us.
    good_ = status < 300 || status == 401 || status == 404 || status == 405 || status == 407 || status == 480 ||
            status == 483 || status == 501;
    step("options", good_, std::move(text));
    drop();
    next_ = order_.targets.size();  // another server of theirs would say the same
}

void PartnerTest::on_closed(tcp::CloseReason reason) {
    const std::string why = tls_ ? tls_->error : std::string();
    note_certificate(tls_);
    if (stage_ == Stage::connecting && tls_ && tls_->reached) {
        step("connect", true, "TCP is established");
        stage_ = Stage::shaking;
    }
    const char* name = tls_ && tls_->fault == tls::Fault::peer_certificate ? "certificate"
                       : stage_ == Stage::connecting                       ? "connect"
                       : stage_ == Stage::shaking || !why.empty()          ? "tls"
                                                                           : "options";
    const std::string code = told(failure_code());
    stream_ = nullptr;
    tls_ = nullptr;
    stage_ = Stage::idle;
    step(name, false, (why.empty() ? words(reason) : why) + code);
}

uint16_t PartnerTest::failure_code() const {
    bool refused_late = tls_ && tls_->fault == tls::Fault::own_certificate;
    return stage_ == Stage::asked && !refused_late ? uint16_t{0} : failure_of(tls_, false, {}).code;
}

void PartnerTest::drop() {
    tls_ = nullptr;
    stage_ = Stage::idle;
    if (tcp::Stream* stream = std::exchange(stream_, nullptr)) stream->abort();
}

void PartnerTest::give_up(const char* stage, const std::string& why) {
    note_certificate(tls_);
    const std::string code = told(failure_code());
    drop();
    step(stage, false, why + code);
}

}  // namespace fedge::signal
