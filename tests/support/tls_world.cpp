#include "tests/support/tls_world.h"

#include <stdexcept>

namespace fedge::test {

const TlsPeople& TlsPeople::get() {
    static const TlsPeople people = [] {
        const std::vector<std::string> names{"DNS:server.example", "DNS:*.wild.example"};
        TlsPeople made{make_authority(), {}, {}, {}};
        made.server = made.authority.issue({.common_name = "server.example", .names = names});
        made.server_rsa = made.authority.issue({.common_name = "server.example", .names = names, .key = "RSA-2048"});
        made.client = made.authority.issue({.common_name = "client.example", .names = {"DNS:client.example"}});
        return made;
    }();
    return people;
}

contract::TlsT tls_settings(const std::vector<std::pair<std::string, const TestCertificate*>>& certificates) {
    contract::TlsT settings;
    for (const auto& [name, from] : certificates) {
        auto one = std::make_unique<contract::CertificateT>();
        one->name = name;
        one->chain = from->pem();
        one->key = from->key_pem();
        settings.certificates.push_back(std::move(one));
    }
    settings.trust = TlsPeople::get().authority.pem();
    settings.ticket_keys = ticket_keys({1});
    return settings;
}

std::vector<uint8_t> ticket_keys(std::initializer_list<uint8_t> seeds) {
    std::vector<uint8_t> keys;
    for (uint8_t seed : seeds)
        for (int i = 0; i < 80; i++) keys.push_back(static_cast<uint8_t>(seed * 7 + i));
    return keys;
}

std::shared_ptr<const tls::Config> tls_config(const contract::TlsT& settings, std::string& error) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(contract::CreateTls(builder, &settings));
    static const tls::Library library;
    return tls::Config::build(*flatbuffers::GetRoot<contract::Tls>(builder.GetBufferPointer()), library, error);
}

std::shared_ptr<const tls::Context> tls_context(std::shared_ptr<const tls::Library> library,
                                                const contract::TlsT& settings) {
    std::string error;
    auto config = tls_config(settings, error);
    auto context = config ? tls::Context::build(std::move(library), config, error) : nullptr;
    if (!context) throw std::runtime_error(error);
    return context;
}

TlsSide::TlsSide(tcp::Transport& below, uint64_t seed, Instant now, const tls::EngineLimits& limits)
    : below_(below),
      random_(seed),
      library_(std::make_shared<tls::Library>()),
      engine_(limits, Counters{block_}, random_, *this, now, kTestTime) {}

TlsSide::~TlsSide() = default;

void TlsSide::adopt(const contract::TlsT& settings) {
    engine_.adopt(tls_context(library_, settings));
}

tcp::StreamHandler* TlsSide::Listener::on_accept(tcp::Stream& stream) {
    tcp::StreamHandler* session = side->engine_.accept(stream, options, *above);
    if (!session) side->refused++;
    return session;
}

bool TlsSide::listen(const Endpoint& local, const tcp::StreamOptions& options, tcp::Acceptor& acceptor) {
    if (listeners_.contains(local)) return false;
    Listener& listener = listeners_[local];
    listener.side = this;
    listener.options = server_options;
    listener.above = &acceptor;
    if (below_.listen(local, options, listener)) return true;
    listeners_.erase(local);
    return false;
}

void TlsSide::unlisten(const Endpoint& local) {
    below_.unlisten(local);
    auto gone = listeners_.extract(local);
    if (gone) retired_.push_back(std::move(gone.mapped().options));
}

tcp::Stream* TlsSide::connect(const Endpoint& local, const Endpoint& remote, const tcp::StreamOptions& options,
                              tcp::StreamHandler& handler) {
    return engine_.connect(below_, local, remote, options, client_options, handler);
}

void TlsSide::on_session_end(const tls::Session& session, tcp::CloseReason reason) {
    const tls::SessionInfo& info = session.negotiated();
    // All but the notes, which belong to the session.
    endings.push_back({info.server,
                       reason,
                       {info.server, info.version, info.cipher, info.group, info.resumed, info.sni, info.alpn,
                        info.certificate, info.peer_names, info.peer_usages, info.error, info.fault, info.alert,
                        info.peer_error, info.reached, nullptr}});
}

TlsWorld::TlsWorld(Carrier carrier, Family family) : plain_(make_plain_world(carrier, family)) {
    client_ = std::make_unique<TlsSide>(plain_->client(), 1, now());
    server_ = std::make_unique<TlsSide>(plain_->server(), 2, now());
    const TlsPeople& people = TlsPeople::get();
    client_->adopt(tls_settings({{"client", &people.client}}));
    server_->adopt(tls_settings({{"server", &people.server}}));
    client_->client_options.sni = "server.example";
    client_->client_options.expected = {"server.example"};
}

void TlsWorld::turn() {
    // Before the transports': what engines write leaves in the same turn.
    if (client_turns) client_->engine().turn(now(), unix_seconds);
    if (server_turns) server_->engine().turn(now(), unix_seconds);
    plain_->turn();
}

}  // namespace fedge::test
