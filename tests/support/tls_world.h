// TLS over the carriers of stream_worlds.h: a client's engine and a server's, and transports whose streams are TLS
// sessions, so that whatever is written against tcp/stream.h runs over TLS too.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/tls/engine.h"
#include "tests/support/certificates.h"
#include "tests/support/stream_worlds.h"

namespace fedge::test {

// The authority, and a certificate for server.example (ECDSA) with a client certificate for client.example: made once.
struct TlsPeople {
    TestCertificate authority;
    TestCertificate server;
    TestCertificate server_rsa;
    TestCertificate client;
    static const TlsPeople& get();
};
contract::TlsT tls_settings(const std::vector<std::pair<std::string, const TestCertificate*>>& certificates);
std::vector<uint8_t> ticket_keys(std::initializer_list<uint8_t> seeds);  // newest first

std::shared_ptr<const tls::Config> tls_config(const contract::TlsT& settings, std::string& error);
// Throws with the error.
std::shared_ptr<const tls::Context> tls_context(std::shared_ptr<const tls::Library> library,
                                                const contract::TlsT& settings);

// What ended, as the observer was told.
struct Ending {
    bool server;
    tcp::CloseReason reason;
    tls::SessionInfo info;
};

// One side: engine and transport of TLS over `below`.
class TlsSide final : public tcp::Transport, tls::Observer {
  public:
    TlsSide(tcp::Transport& below, uint64_t seed, Instant now, const tls::EngineLimits& limits = {});
    ~TlsSide() override;

    void adopt(const contract::TlsT& settings);
    // For what is listened to and connected from now on.
    tls::ServerOptions server_options;
    tls::ClientOptions client_options;

    bool listen(const Endpoint& local, const tcp::StreamOptions& options, tcp::Acceptor& acceptor) override;
    void unlisten(const Endpoint& local) override;
    tcp::Stream* connect(const Endpoint& local, const Endpoint& remote, const tcp::StreamOptions& options,
                         tcp::StreamHandler& handler) override;

    tls::Engine& engine() { return engine_; }
    std::shared_ptr<const tls::Library> library() const { return library_; }
    uint64_t count(Counter counter) const {
        return Counters{const_cast<contract::CounterBlock&>(block_)}.value(counter);
    }
    std::vector<Ending> endings;
    uint32_t refused = 0;  // by accept()

  private:
    struct Listener final : tcp::Acceptor {
        TlsSide* side = nullptr;
        tls::ServerOptions options;
        tcp::Acceptor* above = nullptr;
        tcp::StreamHandler* on_accept(tcp::Stream& stream) override;
    };
    void on_session_end(const tls::Session& session, tcp::CloseReason reason) override;

    tcp::Transport& below_;
    contract::CounterBlock block_{};
    SeededRandom random_;
    std::shared_ptr<const tls::Library> library_;
    std::map<Endpoint, Listener> listeners_;
    std::list<tls::ServerOptions> retired_;  // of listeners that are gone: handshakes may still use them
    tls::Engine engine_;
};

class TlsWorld final : public StreamWorld {
  public:
    TlsWorld(Carrier carrier, Family family);

    TlsSide& client() override { return *client_; }
    TlsSide& server() override { return *server_; }
    StreamWorld& plain() { return *plain_; }
    IpAddress client_address() const override { return plain_->client_address(); }
    IpAddress server_address() const override { return plain_->server_address(); }
    Instant now() const override { return plain_->now(); }
    void turn() override;
    uint32_t streams() const override { return plain_->streams(); }
    std::vector<tcp::ConnectionRow> list_server() const override { return plain_->list_server(); }
    std::vector<std::pair<std::string, std::string>>& ends() override { return plain_->ends(); }
    size_t fits(size_t buffer) const override { return buffer - buffer / 16; }
    // A record that was decrypted and not read, and the rest of one that was not taken whole.
    size_t held_besides() const override { return 16 * 1024 + 1024; }
    bool reset_overtakes() const override { return true; }  // it takes the Finished with it

    int64_t unix_seconds = kTestTime;
    bool client_turns = true;
    bool server_turns = true;

  private:
    std::unique_ptr<StreamWorld> plain_;
    std::unique_ptr<TlsSide> client_;
    std::unique_ptr<TlsSide> server_;
};

}  // namespace fedge::test
