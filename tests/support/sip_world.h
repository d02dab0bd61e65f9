// A SipProxy whose connections are the test's: partners, front ends and remote users as streams without TLS, with the
// names that they would have proved; and the messages that they send.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/contract/verdict_builder.h"
#include "dataplane/signal/sip/sip_proxy.h"
#include "tests/support/fake_stream.h"

namespace fedge::test {

inline Endpoint endpoint(const char* text) {
    return Endpoint::parse(text).value();
}

inline contract::Ip contract_ip(const IpAddress& address) {
    return contract::Ip(flatbuffers::span<const uint8_t, 16>(address.octets()));
}

// A message in parts; text() puts it together with its Content-Length.
struct SipText {
    std::string start;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    std::string text() const {
        std::string out = start + "\r\n";
        for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
        return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    SipText& set(const std::string& name, const std::string& value) {
        for (auto& [have, text] : headers)
            if (have == name) return text = value, *this;
        headers.emplace_back(name, value);
        return *this;
    }
    SipText& add(const std::string& name, const std::string& value) {
        headers.emplace_back(name, value);
        return *this;
    }
    SipText& remove(const std::string& name) {
        std::erase_if(headers, [&](const auto& h) { return h.first == name; });
        return *this;
    }
    std::vector<std::string> all(const std::string& name) const {
        std::vector<std::string> out;
        for (const auto& [have, value] : headers)
            if (have == name) out.push_back(value);
        return out;
    }
    std::string get(const std::string& name) const {
        auto values = all(name);
        return values.empty() ? "" : values.front();
    }
    int status() const { return start.starts_with("SIP/2.0 ") ? std::stoi(start.substr(8, 3)) : 0; }
    std::string method() const { return start.substr(0, start.find(' ')); }

    // Takes the first whole message off `bytes`; an empty start line if there is none.
    static SipText take(std::string& bytes) {
        SipText out;
        while (bytes.starts_with("\r\n")) bytes.erase(0, 2);
        size_t end = bytes.find("\r\n\r\n");
        if (end == std::string::npos) return out;
        std::string head = bytes.substr(0, end + 2);
        size_t length = 0;
        for (size_t at = 0; at < head.size();) {
            size_t eol = head.find("\r\n", at);
            std::string line = head.substr(at, eol - at);
            at = eol + 2;
            if (out.start.empty()) {
                out.start = line;
                continue;
            }
            std::string name = line.substr(0, line.find(':'));
            std::string value = line.substr(std::min(line.size(), line.find(':') + 2));
            if (name == "Content-Length") {
                length = std::stoul(value);
            } else {
                out.headers.emplace_back(name, value);
            }
        }
        if (bytes.size() < end + 4 + length) return {};
        out.body = bytes.substr(end + 4, length);
        bytes.erase(0, end + 4 + length);
        return out;
    }
};

// What a user agent does with a request that it got.
inline SipText response_to(const SipText& request, int status, const std::string& tag = "answer") {
    SipText out;
    out.start = "SIP/2.0 " + std::to_string(status) + " Whatever";
    for (const auto& [name, value] : request.headers)
        if (name == "Via" || name == "From" || name == "Call-ID" || name == "CSeq" || name == "Record-Route")
            out.headers.emplace_back(name, value);
    std::string to = request.get("To");
    if (to.find(";tag=") == std::string::npos) to += ";tag=" + tag;
    out.headers.emplace_back("To", to);
    return out;
}

struct SipPlan {
    std::vector<std::string> front_ends = {"fe1.contoso.com"};
    std::vector<uint16_t> weights = {1, 1, 1, 1};
    uint32_t hold_messages = 128;
    uint32_t queue_kb = 256;
    uint32_t queues_kb = 65536;
    bool discovery = false;
    uint32_t connections = 64;
    uint64_t gathered_bytes = signal::SipLimits{}.gathered_bytes;
    uint16_t core = 0;
    uint64_t seed = 11;
    std::optional<sip::FilterSettings> filters = {};
    bool clearing_house = false;
    std::vector<std::string> domains = {"contoso.com"};  // ours
    bool enabled = true;                                 // federation
    bool access = true;                                  // of our users, to federation and the rest
    contract::Verification verification = contract::Verification::always_verifiable;  // of those who are allowed
    bool provider = false;  // of public IM, federation.messenger.example, with accounts of hosted.example
};

// Compiling takes a while: once for each of the settings that the tests of a program use.
inline sip::FilterScratch& filter_scratch(const sip::FilterSettings& settings) {
    static std::vector<std::unique_ptr<sip::FilterScratch>> known;
    for (const auto& one : known)
        if (one->database().settings() == settings) return *one;
    auto database = std::make_shared<const sip::FilterDatabase>(settings);
    return *known.emplace_back(std::make_unique<sip::FilterScratch>(std::move(database)));
}

class SipWorld : public signal::SipConnector, public signal::PartnerFinder, public signal::SipPost {
  public:
    using Plan = SipPlan;
    explicit SipWorld(const Plan& plan = {}) : plan_(plan), random_(plan.seed) {
        signal::SipProxy::Setup setup;
        setup.limits.connections = plan.connections;
        setup.limits.gathered_bytes = plan.gathered_bytes;
        setup.connector = this;
        setup.finder = this;
        setup.post = this;
        setup.core = plan.core;
        proxy_ = std::make_unique<signal::SipProxy>(setup, Counters{block_}, random_, now_);
        proxy_->set_time(now_, unix_now_);
        adopt();
    }

    // contoso.com is ours unless the plan says otherwise; allowed: partner.example (found by DNS), direct.example (by
    // its server); blocked: blocked.example.
    contract::SnapshotT snapshot() const {
        contract::SnapshotT out;
        out.turn = std::make_unique<contract::TurnT>();
        auto interface = [&](const char* name, contract::Role role, const char* address) {
            auto one = std::make_unique<contract::InterfaceT>();
            one->name = one->port = name;
            one->role = role;
            one->addresses.push_back({contract_ip(IpAddress::parse(address).value()), 120});
            out.interfaces.push_back(std::move(one));
        };
        interface("outside", contract::Role::external, "192.0.2.10");
        interface("inside", contract::Role::internal, "10.0.0.10");
        out.sip = std::make_unique<contract::SipT>();
        out.sip->outside_name = "access.contoso.com";
        out.sip->inside_name = "edge.contoso.local";
        for (int i = 0; i < 32; i++) out.sip->token_keys.push_back(static_cast<uint8_t>(i + 1));
        for (size_t i = 0; i < plan_.front_ends.size(); i++) {
            auto one = std::make_unique<contract::FrontEndT>();
            one->host = plan_.front_ends[i];
            one->weight = plan_.weights[i];
            one->addresses.push_back(contract_ip(IpAddress::parse("10.0.0." + std::to_string(20 + i)).value()));
            out.sip->front_ends.push_back(std::move(one));
        }
        out.sip->hold_messages = plan_.hold_messages;
        out.sip->queue_kb = plan_.queue_kb;
        out.sip->queues_kb = plan_.queues_kb;
        out.federation = std::make_unique<contract::FederationT>();
        out.federation->enabled = plan_.enabled;
        out.federation->outside_users = true;
        out.federation->discovery = plan_.discovery;
        out.federation->access_names = {"access.contoso.com"};
        out.federation->clearing_house = plan_.clearing_house;
        if (plan_.provider) {
            auto provider = std::make_unique<contract::ProviderT>();
            provider->name = "messenger";
            provider->proxy = "federation.messenger.example";
            provider->public_im = true;
            provider->decoration_routing_domain = "msn.example";
            provider->decoration_excluded = {"msn.example", "outlook.example"};
            out.federation->providers.push_back(std::move(provider));
        }
        for (const std::string& name : plan_.domains) {
            auto domain = std::make_unique<contract::InternalDomainT>();
            domain->name = name;
            if (plan_.access)
                domain->access = contract::Access::federation | contract::Access::public_im | contract::Access::outside;
            out.federation->domains.push_back(std::move(domain));
        }
        return out;
    }

    void adopt(const sip::FilterSettings& filters) {
        plan_.filters = filters;
        adopt();
    }
    void adopt() {
        auto described = snapshot();
        flatbuffers::FlatBufferBuilder builder;
        contract::FinishSnapshotBuffer(builder, contract::CreateSnapshot(builder, &described));
        const contract::Snapshot* read = contract::GetSnapshot(builder.GetBufferPointer());
        config_ = signal::SipConfig::build(*read);
        federation_ = std::make_unique<policy::Config>(read->federation());
        contract::VerdictBuilder verdicts({});
        auto allow = [&](const char* name, contract::Rule rule, const char* via = "") {
            contract::DomainEntry entry;
            entry.name = name;
            entry.rule = rule;
            entry.verification = plan_.verification;
            entry.via = via;
            verdicts.add(entry);
        };
        allow("partner.example", contract::Rule::allowed);
        allow("direct.example", contract::Rule::allowed, "edge.direct.example");
        if (plan_.provider) allow("hosted.example", contract::Rule::allowed, "federation.messenger.example");
        allow("blocked.example", contract::Rule::blocked);
        table_ = verdicts.build();
        std::string error;
        opened_ = contract::VerdictTable::open(table_, error);
        if (!opened_) throw std::runtime_error(error);
        scratch_ = federation_->make_scratch();
        proxy_->adopt({config_.get(), federation_.get(), contract::Verdicts(&*opened_, nullptr), scratch_.get(),
                       plan_.filters ? &filter_scratch(*plan_.filters) : nullptr},
                      now_);
    }

    // --- connections
    FakeStream& come(signal::PeerKind kind, const char* from, std::vector<std::string> names) {
        FakeStream& stream = accepted_.emplace_back(endpoint("192.0.2.10:5061"), endpoint(from));
        stream.handler = proxy_->accept(stream, kind, &proved(std::move(names)));
        return stream;
    }
    FakeStream& partner(const std::string& host = "sip.partner.example", const char* from = "203.0.113.5:40000") {
        return come(signal::PeerKind::partner, from, {host});
    }
    FakeStream& front_end(const std::string& host = "fe1.contoso.com", const char* from = "10.0.0.20:40000") {
        return come(signal::PeerKind::front_end, from, {host});
    }
    FakeStream& client(const char* from = "198.51.100.7:50000") { return come(signal::PeerKind::client, from, {}); }

    // The n-th connection that the proxy began; opens it if it was not.
    FakeStream& begun(size_t n, std::vector<std::string> names) {
        auto& connecting = begun_.at(n);
        if (!connecting.open) {
            connecting.open = true;
            for (std::string& name : names) connecting.info.peer_names.push_back({tls::NameKind::dns, std::move(name)});
            connecting.info.reached = true;
            connecting.stream.handler->on_open();
            turn();
        }
        return connecting.stream;
    }
    size_t begun() const { return begun_.size(); }
    Endpoint begun_to(size_t n) const { return begun_.at(n).stream.remote(); }
    std::string begun_sni(size_t n) const { return begun_.at(n).options.sni; }
    std::vector<std::string> begun_expected(size_t n) const { return begun_.at(n).options.expected; }
    void refuse(size_t n) { fail(n, tls::Fault::not_reached, tcp::CloseReason::refused); }
    // As TLS does it: what it knows, and then the end. `detail`: alert, or X509_V_ERR_*.
    void fail(size_t n, tls::Fault fault, tcp::CloseReason reason = tcp::CloseReason::broken, int detail = -1) {
        Begun& one = begun_.at(n);
        one.info.fault = fault;
        one.info.reached = fault != tls::Fault::not_reached;
        (fault == tls::Fault::peer_certificate ? one.info.peer_error : one.info.alert) = detail;
        one.stream.reset(reason);
        turn();
    }
    tls::SessionInfo& begun_info(size_t n) { return begun_.at(n).info; }
    // Front ends are connected to as soon as they are configured.
    FakeStream& inside(size_t n = 0) {
        turn();
        return begun(n, {plan_.front_ends[n]});
    }

    void send(FakeStream& stream, const SipText& message) { send(stream, message.text()); }
    void send(FakeStream& stream, const std::string& text) {
        stream.send(bytes_of(text));
        turn();
    }
    // The next message that arrived at the far end.
    SipText next(FakeStream& stream) {
        turn();
        std::string& bytes = arrived_[&stream];
        auto more = stream.take();
        bytes.append(more.begin(), more.end());
        stream.drain();
        turn();
        SipText out = SipText::take(bytes);
        return out;
    }
    // The same without questions after health, which are answered.
    SipText next_request(FakeStream& stream) {
        for (;;) {
            SipText out = next(stream);
            if (out.method() != "OPTIONS" || out.get("Via").find("probe") == std::string::npos) return out;
            stream.send(bytes_of(response_to(out, 200).text()));
        }
    }
    void turn() { proxy_->turn(now_, unix_now_); }
    void pass(Duration time) {
        unix_now_ += static_cast<uint64_t>(duration_cast<std::chrono::seconds>(time).count());
        for (Duration step = 100ms; time > Duration{0}; time -= step) {
            now_ += step;
            turn();
        }
    }

    // --- signal::SipConnector
    tcp::Stream* connect(contract::Role, const Endpoint& remote, const tls::ClientOptions& options,
                         tcp::StreamHandler& handler) override {
        if (refuses_to_connect) return nullptr;
        Begun& one = begun_.emplace_back(endpoint("192.0.2.10:50000"), remote, options);
        one.stream.handler = &handler;
        return &one.stream;
    }
    const tls::SessionInfo* tls(const tcp::Stream& stream) override {
        auto found = std::ranges::find(begun_, &stream, [](const Begun& one) { return &one.stream; });
        return found == begun_.end() ? nullptr : &found->info;
    }

    // --- signal::PartnerFinder: what DNS knows
    struct Known {
        contract::Finding finding = contract::Finding::found;
        uint16_t code = 0;
        std::vector<std::pair<std::string, std::vector<IpAddress>>> targets;
    };
    std::map<std::string, Known> dns;  // by domain or server
    bool dns_silent = false;           // answers come by answer()
    std::vector<std::string> asked;
    policy::Admission admission = policy::Admission::admitted;
    std::vector<std::string> admitted;
    std::vector<std::pair<std::string, int>> finals;

    void know(const std::string& domain, const std::string& host, std::vector<const char*> addresses) {
        std::vector<IpAddress> list;
        for (const char* address : addresses) list.push_back(IpAddress::parse(address).value());
        dns[domain].targets.emplace_back(host, list);
        version_++;
    }
    void answer(const std::string& domain) {
        dns_silent = false;
        proxy_->on_route(std::hash<std::string>{}(domain));
        turn();
    }
    Answer find(std::string_view domain, const policy::Ask& ask, signal::FoundRoute& route, uint64_t& key) override {
        std::string name(ask.via.empty() ? domain : ask.via);
        asked.push_back(name);
        key = std::hash<std::string>{}(name);
        if (dns_silent) return Answer::pending;
        if (dns_full) return Answer::full;
        static const Known kNothing{contract::Finding::not_found, 1008, {}};
        auto found = dns.find(name);
        const Known& known = found == dns.end() ? kNothing : found->second;
        targets_.clear();
        for (const auto& [host, addresses] : known.targets) targets_.push_back({host, 5061, addresses});
        route = {known.finding, known.code, version_, targets_};
        return Answer::known;
    }
    policy::Admission admit(std::string_view domain, std::string_view user, std::string_view) override {
        admitted.push_back(std::string(user) + " of " + std::string(domain));
        return admission;
    }
    void on_final(std::string_view domain, uint16_t status) override { finals.emplace_back(domain, status); }
    void on_attempt(std::string_view host, const Endpoint& to, const signal::HopFailure* failure) override {
        attempts.push_back(std::string(host) + " " + to.text() +
                           (failure ? " failed: " + std::to_string(failure->code) : " good"));
    }
    std::vector<std::string> attempts;
    bool dns_full = false;
    bool refuses_to_connect = false;

    // --- signal::SipPost
    SipWorld* other_core = nullptr;
    bool send(uint16_t, std::unique_ptr<signal::SipParcel> parcel) override {
        if (!other_core) return false;
        other_core->proxy().deliver(*parcel);
        other_core->turn();
        return true;
    }

    uint64_t count(Counter counter) { return Counters{block_}.value(counter); }
    signal::SipProxy& proxy() { return *proxy_; }
    Instant now() const { return now_; }

  private:
    struct Begun {
        Begun(const Endpoint& near, const Endpoint& far, const tls::ClientOptions& options_)
            : stream(near, far), options(options_) {}
        FakeStream stream;
        tls::ClientOptions options;
        tls::SessionInfo info;
        bool open = false;
    };
    const tls::SessionInfo& proved(std::vector<std::string> names) {
        tls::SessionInfo& out = proved_.emplace_back();
        for (std::string& name : names) out.peer_names.push_back({tls::NameKind::dns, std::move(name)});
        return out;
    }

    Plan plan_;
    contract::CounterBlock block_{};
    SeededRandom random_;
    Instant now_ = Instant{} + 1000s;
    uint64_t unix_now_ = 1'780'000'000;
    std::deque<FakeStream> accepted_;
    std::deque<Begun> begun_;
    std::map<const FakeStream*, std::string> arrived_;
    std::deque<tls::SessionInfo> proved_;
    std::vector<uint8_t> table_;
    std::optional<contract::VerdictTable> opened_;
    std::shared_ptr<const signal::SipConfig> config_;
    std::unique_ptr<policy::Config> federation_;
    policy::Scratch scratch_;
    std::vector<signal::FoundTarget> targets_;
    uint64_t version_ = 1;
    std::unique_ptr<signal::SipProxy> proxy_;
};

// From alice at the partner to bob of ours.
inline SipText message_in(const std::string& call = "call-1") {
    SipText out;
    out.start = "MESSAGE sip:bob@contoso.com SIP/2.0";
    out.headers = {{"Via", "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-" + call},
                   {"Max-Forwards", "70"},
                   {"From", "<sip:alice@partner.example>;tag=a1"},
                   {"To", "<sip:bob@contoso.com>"},
                   {"Call-ID", call},
                   {"CSeq", "1 MESSAGE"},
                   {"Content-Type", "text/plain"}};
    out.body = "Hello, Bob";
    return out;
}
// From bob to alice.
inline SipText message_out(const std::string& domain = "partner.example", const std::string& call = "call-2") {
    SipText out;
    out.start = "MESSAGE sip:alice@" + domain + " SIP/2.0";
    out.headers = {{"Via", "SIP/2.0/TLS fe1.contoso.com:5061;branch=z9hG4bK-" + call},
                   {"Max-Forwards", "70"},
                   {"From", "<sip:bob@contoso.com>;tag=b1"},
                   {"To", "<sip:alice@" + domain + ">"},
                   {"Call-ID", call},
                   {"CSeq", "1 MESSAGE"},
                   {"Content-Type", "text/plain"}};
    out.body = "Hello, Alice";
    return out;
}
inline SipText with_method(SipText message, const std::string& method) {
    message.start = method + message.start.substr(message.start.find(' '));
    message.set("CSeq", "1 " + method);
    return message;
}

}  // namespace fedge::test
