// One connection of a script, seen from both of its ends: the peer that the script plays, and the application on the
// edge's side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/tcp/stream.h"
#include "tests/packet/segment.h"

namespace fedge::packet {

// What the application does as soon as it is told something, within the call that tells it.
enum class Reaction : uint8_t { none, read, echo, shutdown, close, abort };

class Flow final : public tcp::StreamHandler {
  public:
    Flow(std::string name, const Endpoint& local, const Endpoint& remote, uint32_t peer_isn)
        : name_(std::move(name)), local_(local), remote_(remote) {
        numbering.peer_isn = peer_isn;
    }

    const std::string& name() const { return name_; }
    Endpoint& local() { return local_; }
    Endpoint& remote() { return remote_; }

    // Of the application: valid until closed.
    tcp::Stream* stream = nullptr;
    Numbering numbering;
    std::optional<uint32_t> earlier_isn;  // of ours, before the flow was renewed
    bool active = false;                  // connect(): our port is known with the first segment
    Reaction on_accept_do = Reaction::none;
    Reaction on_open_do = Reaction::none;
    Reaction on_readable_do = Reaction::none;
    uint64_t written = 0;
    uint64_t read = 0;

    // What the application was told and the script has not asked for yet.
    bool accepted = false;
    bool opened = false;
    bool readable = false;
    bool became_writable = false;
    bool told_closed = false;
    tcp::CloseReason reason{};
    bool wrong_bytes = false;  // the application read something that the peer's application never said

    // Reads at most `most` bytes and compares them with what the peer says.
    size_t take(size_t most);
    // The same through peek() and consume().
    size_t consume(size_t most);
    size_t write(size_t count);

    // echo: writes as much as it has read, and at least one byte.
    void react(Reaction reaction);

    void on_open() override {
        opened = true;
        react(on_open_do);
    }
    void on_readable() override {
        readable = true;
        react(on_readable_do);
    }
    void on_writable() override { became_writable = true; }
    void on_closed(tcp::CloseReason why) override {
        told_closed = true;
        reason = why;
        stream = nullptr;
    }

  private:
    void compare(Bytes bytes);

    std::string name_;
    Endpoint local_;
    Endpoint remote_;
};

}  // namespace fedge::packet
