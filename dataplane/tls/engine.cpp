#include "dataplane/tls/engine.h"

#include <openssl/err.h>

#include <algorithm>

namespace fedge::tls {
namespace {

constexpr Duration kTick = 100ms;
constexpr uint32_t kDeadlinesPerTurn = 256;

}  // namespace

Engine::Engine(const EngineLimits& limits, Counters counters, Random& random, Observer& observer, Instant now,
               int64_t unix_seconds)
    : limits_(limits),
      counters_(counters),
      observer_(observer),
      now_(now),
      unix_seconds_(unix_seconds),
      prefixes_(limits.handshakes, limits.socket, random),
      deadlines_(limits.sessions, kTick, now) {}

Engine::~Engine() = default;

Session* Engine::make(const IpAddress& remote) {
    if (!context_) {
        counters_.add(Counter::tls_no_certificate);
        return nullptr;
    }
    const Config& config = context_->config();
    bool full = free_.empty() && sessions_.size() == limits_.sessions;
    if (full || handshakes_ >= std::min(limits_.handshakes, config.handshakes_per_core)) {
        counters_.add(Counter::tls_handshake_limit);
        return nullptr;
    }
    if (prefixes_.count(remote) >= config.handshakes_per_prefix) {
        counters_.add(Counter::tls_prefix_limit);
        return nullptr;
    }
    std::unique_ptr<Session> made(new Session(*this));
    Session* session = made.get();
    if (free_.empty()) {
        session->index_ = static_cast<uint32_t>(sessions_.size());
        sessions_.push_back(std::move(made));
    } else {
        session->index_ = free_.back();
        free_.pop_back();
        sessions_[session->index_] = std::move(made);
    }
    session->context_ = context_;
    session->remote_.address = remote;
    session->started_ = now_;
    return session;
}

void Engine::begin_handshake(Session& session) {
    session.counted_ = true;
    handshakes_++;
    prefixes_.add(session.remote_.address);
    deadlines_.arm(session.index_, now_ + context_->config().handshake_timeout);
}

void Engine::end_handshake(Session& session) {
    if (!session.counted_) return;
    session.counted_ = false;
    handshakes_--;
    prefixes_.remove(session.remote_.address);
    deadlines_.cancel(session.index_);
}

tcp::StreamHandler* Engine::accept(tcp::Stream& below, const ServerOptions& options, tcp::Acceptor& above) {
    if (context_ && !context_->server({}).context) {
        counters_.add(Counter::tls_no_certificate);
        return nullptr;
    }
    Session* session = make(below.remote().address);
    if (!session) return nullptr;
    session->state_ = Session::State::hello;
    session->link_.attach(&below);
    session->identity_ = &below;
    session->local_ = below.local();
    session->remote_ = below.remote();
    session->server_options_ = &options;
    session->acceptor_ = &above;
    begin_handshake(*session);
    want_wake(*session);
    return session;
}

tcp::Stream* Engine::connect(tcp::Transport& transport, const Endpoint& local, const Endpoint& remote,
                             const tcp::StreamOptions& stream, ClientOptions options, tcp::StreamHandler& above) {
    if (context_ && !context_->client(options.certificate)) {
        counters_.add(Counter::tls_no_certificate);
        return nullptr;
    }
    Session* session = make(remote.address);
    if (!session) return nullptr;
    session->state_ = Session::State::connecting;
    session->info_.server = false;
    session->info_.sni = options.sni;
    session->above_ = &above;
    session->client_options_ = std::make_unique<ClientOptions>(std::move(options));
    session->remote_ = remote;
    tcp::Stream* below = transport.connect(local, remote, stream, *session);
    if (!below) {
        free_.push_back(session->index_);
        sessions_[session->index_].reset();
        return nullptr;
    }
    session->link_.attach(below);
    session->identity_ = below;
    session->local_ = below->local();
    begin_handshake(*session);
    return session;
}

void Engine::want_step(Session& session) {
    if (session.queued_) return;
    session.queued_ = true;
    session.queued_turn_ = turn_;
    ready_.push_back(&session);
}

void Engine::want_wake(Session& session) {
    if (session.waking_) return;
    session.waking_ = true;
    waking_.push_back(&session);
}

void Engine::bury(Session& session, tcp::CloseReason reason) {
    end_handshake(session);
    deadlines_.cancel(session.index_);
    observer_.on_session_end(session, reason);
    ended_.push_back(&session);
}

uint32_t Engine::run_steps() {
    uint32_t budget = context_ ? context_->config().handshakes_per_turn : 1;
    uint32_t done = 0;
    while (done < budget && !ready_.empty()) {
        Session& session = *ready_.front();
        ready_.pop_front();
        session.queued_ = false;
        if (session.state_ != Session::State::negotiating) continue;
        if (session.queued_turn_ + 1 < turn_) counters_.add(Counter::tls_handshakes_deferred);
        counters_.add(Counter::tls_handshake_steps);
        done++;
        session.negotiate();
    }
    return done;
}

uint32_t Engine::turn(Instant now, int64_t unix_seconds) {
    now_ = now;
    unix_seconds_ = unix_seconds;
    turn_++;
    uint32_t done =
        deadlines_.advance(now, kDeadlinesPerTurn, [this](uint32_t index) { sessions_[index]->on_timeout(); });
    // What wakes itself again has its turn in the next one.
    std::vector<Session*> waking;
    waking.swap(waking_);
    for (Session* session : waking) {
        session->waking_ = false;
        session->wake();
    }
    done += static_cast<uint32_t>(waking.size());
    done += run_steps();
    // Nothing of theirs is on the stack any more.
    std::erase_if(ended_, [&](Session* session) {
        if (session->queued_ || session->waking_) {
            session->ssl_.reset();
            return false;
        }
        free_.push_back(session->index_);
        sessions_[session->index_].reset();
        return true;
    });
    return done;
}

std::unique_ptr<uint8_t[]> Engine::take_block() {
    if (blocks_.empty()) return std::unique_ptr<uint8_t[]>(new uint8_t[kBlock]);
    std::unique_ptr<uint8_t[]> block = std::move(blocks_.back());
    blocks_.pop_back();
    return block;
}

void Engine::give_block(std::unique_ptr<uint8_t[]> block) {
    if (blocks_.size() < kSpareBlocks) blocks_.push_back(std::move(block));
}

size_t Engine::list(std::span<SessionRow> out, uint32_t& cursor) const {
    size_t n = 0;
    for (; cursor < sessions_.size() && n < out.size(); cursor++) {
        const Session* session = sessions_[cursor].get();
        if (!session || session->state_ >= Session::State::failed) continue;
        out[n++] = {session->local_, session->remote_, session->handshaking(), now_ - session->started_,
                    &session->info_};
    }
    if (cursor >= sessions_.size()) cursor = 0;
    return n;
}

}  // namespace fedge::tls
