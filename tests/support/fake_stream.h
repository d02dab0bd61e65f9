// A tcp::Stream whose far end is the test: what arrives, in which pieces, how much room there is, and what was done.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/tcp/stream.h"

namespace fedge::test {

class FakeStream final : public tcp::Stream {
  public:
    FakeStream(const Endpoint& near, const Endpoint& far) : near_(near), far_(far) {}

    // --- the far end
    void arrive(Bytes bytes) {
        unread_.insert(unread_.end(), bytes.begin(), bytes.end());
        arrived_ += bytes.size();
    }
    // The same, and the user is told.
    void send(Bytes bytes) {
        arrive(bytes);
        tell();
    }
    void tell() {
        if (handler && !over()) handler->on_readable();
    }
    void end() {
        ended_ = true;
        tell();
    }
    void reset(tcp::CloseReason reason = tcp::CloseReason::reset) {
        bool told = handler && !over();
        gone = true;
        if (told) handler->on_closed(reason);
    }
    std::vector<uint8_t> take() { return std::exchange(written, {}); }
    // The far end reads: there is room again.
    void drain() {
        written.clear();
        if (std::exchange(blocked_, false) && handler && !over()) handler->on_writable();
    }
    bool over() const { return closed || aborted || gone; }
    size_t unread() const { return unread_.size(); }

    // --- tcp::Stream
    Bytes peek() override { return Bytes{unread_}.first(std::min(unread_.size(), together)); }
    void consume(size_t n) override { unread_.erase(unread_.begin(), unread_.begin() + static_cast<ptrdiff_t>(n)); }
    size_t look(MutableBytes out) override {
        size_t n = std::min(out.size(), unread_.size());
        if (n) std::memcpy(out.data(), unread_.data(), n);
        return n;
    }
    bool at_end() const override { return ended_ && unread_.empty(); }
    size_t write(Bytes bytes) override {
        size_t n = std::min({bytes.size(), std::max(writable(), std::exchange(overdraft, 0)), most_at_once});
        if (n < bytes.size()) blocked_ = true;
        written.insert(written.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
        return n;
    }
    size_t writable() const override { return written.size() < room ? room - written.size() : 0; }
    void shutdown() override { shut = true; }
    void set_handler(tcp::StreamHandler& user) override { handler = &user; }
    void close() override {
        if (handler) handler->describe(details);
        closed = true;
    }
    void linger() override {
        lingers = true;
        close();
    }
    void abort() override {
        if (handler) handler->describe(details);
        aborted = true;
    }
    Endpoint local() const override { return near_; }
    Endpoint remote() const override { return far_; }
    tcp::StreamInfo info() const override { return {}; }

    tcp::StreamHandler* handler = nullptr;
    std::vector<uint8_t> written;
    size_t together = SIZE_MAX;      // bytes that peek() shows at most
    size_t room = 64 * 1024;         // of the send queue, which nobody empties but the test
    size_t overdraft = 0;            // that the next write() takes at least, as TLS may
    size_t most_at_once = SIZE_MAX;  // memory runs out behind so many bytes of a write
    bool closed = false;
    bool lingers = false;  // closed() so that what arrives is thrown away
    bool aborted = false;
    bool gone = false;
    bool shut = false;
    tcp::StreamDetails details;  // when the user ended it

  private:
    Endpoint near_;
    Endpoint far_;
    std::vector<uint8_t> unread_;
    size_t arrived_ = 0;
    bool ended_ = false;
    bool blocked_ = false;
};

// Streams that the code under test asks for.
class FakeTransport final : public tcp::Transport {
  public:
    struct Connecting {
        FakeStream stream;
        tcp::StreamHandler* handler;
    };
    bool listen(const Endpoint& local, const tcp::StreamOptions&, tcp::Acceptor& acceptor) override {
        if (refuses_to_listen || std::ranges::any_of(listeners, [&](auto& l) { return l.first == local; }))
            return false;
        listeners.emplace_back(local, &acceptor);
        return true;
    }
    void unlisten(const Endpoint& local) override {
        std::erase_if(listeners, [&](auto& l) { return l.first == local; });
    }
    tcp::Stream* connect(const Endpoint& local, const Endpoint& remote, const tcp::StreamOptions&,
                         tcp::StreamHandler& handler) override {
        if (refuses_to_connect) return nullptr;
        FakeStream& stream = streams.emplace_back(local, remote);
        stream.handler = &handler;
        return &stream;
    }
    // A peer that connects to a listener; nullptr if there is none. Refused: `handler` is empty.
    FakeStream* visit(const Endpoint& listener, const Endpoint& from) {
        for (auto& [local, acceptor] : listeners) {
            if (local != listener) continue;
            FakeStream& stream = streams.emplace_back(local, from);
            stream.handler = acceptor->on_accept(stream);
            return &stream;
        }
        return nullptr;
    }

    std::vector<std::pair<Endpoint, tcp::Acceptor*>> listeners;
    std::deque<FakeStream> streams;  // all there ever were
    bool refuses_to_listen = false;
    bool refuses_to_connect = false;
};

}  // namespace fedge::test
