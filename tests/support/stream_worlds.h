// Worlds in which a client side and a server side talk through tcp/stream.h, whoever carries the streams: two of our
// TCPs joined in memory under virtual time, the same across an impaired wire, or the kernel's TCP on loopback.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/tcp/stream.h"
#include "tests/support/impaired_wire.h"

namespace fedge::test {

enum class Carrier { memory, impaired, kernel };

class StreamWorld {
  public:
    virtual ~StreamWorld() = default;
    virtual tcp::Transport& client() = 0;
    virtual tcp::Transport& server() = 0;
    virtual IpAddress client_address() const = 0;
    virtual IpAddress server_address() const = 0;
    virtual Instant now() const = 0;
    // One turn of both loops, then time goes on.
    virtual void turn() = 0;
    // Streams that either side still holds.
    virtual uint32_t streams() const = 0;

    virtual std::vector<tcp::ConnectionRow> list_server() const = 0;
    // Of the server's streams: what their users called their service, and how they ended.
    virtual std::vector<std::pair<std::string, std::string>>& ends() { return observer_.ends; }

    // Of what is written, so much fits into a send buffer of that size for certain.
    virtual size_t fits(size_t buffer) const { return buffer; }
    // What both sides may hold besides the buffers of the transport.
    virtual size_t held_besides() const { return 0; }
    // Whether a reset from within on_open() leaves before the peer's acceptor can hear of the connection.
    virtual bool reset_overtakes() const = 0;

    // Turns until `done` or for `limit` of the world's time; whether it became true.
    bool until(const std::function<bool()>& done, Duration limit);

  protected:
    struct Observer final : tcp::StreamObserver {
        std::vector<std::pair<std::string, std::string>> ends;
        void on_end(const tcp::ConnectionRow& row, std::string_view how) override {
            ends.emplace_back(row.details.service, how);
        }
    };
    Observer observer_;
};

// The EAL must run for those of ours. Throws std::runtime_error.
std::unique_ptr<StreamWorld> make_plain_world(Carrier carrier, Family family);
// The same, or with TLS on top: as the test program links plain_streams.cpp or tls_streams.cpp.
std::unique_ptr<StreamWorld> make_world(Carrier carrier, Family family);

}  // namespace fedge::test
