#include "tests/support/tcp_services.h"

#include <algorithm>
#include <utility>

namespace fedge::test {

// --- echo

struct EchoServer::User final : tcp::StreamHandler {
    EchoServer& server;
    tcp::Stream* stream = nullptr;

    explicit User(EchoServer& owner) : server(owner) {}

    void on_readable() override {
        for (Bytes bytes; !(bytes = stream->peek()).empty();) {
            size_t n = stream->write(bytes);
            server.bytes_ += n;
            if (n == 0) return;  // on_writable() follows
            stream->consume(n);
        }
        if (stream->at_end()) stream->shutdown();
    }
    void on_writable() override { on_readable(); }
    void on_closed(tcp::CloseReason) override {
        stream = nullptr;
        server.open_--;
        server.free_.push_back(this);
    }
};

EchoServer::EchoServer() = default;
EchoServer::~EchoServer() = default;

tcp::StreamHandler* EchoServer::on_accept(tcp::Stream& stream) {
    if (free_.empty()) {
        users_.push_back(std::make_unique<User>(*this));
        free_.push_back(users_.back().get());
    }
    User* user = free_.back();
    free_.pop_back();
    user->stream = &stream;
    open_++;
    return user;
}

// --- exchange

Exchange::Exchange(const ExchangePlan& plan, Reporter reporter)
    : plan_(plan), reporter_(std::move(reporter)), pattern_(plan.seed, plan.send_bytes, !plan.checked) {
    report_.service = plan.service;
}

Exchange::~Exchange() {
    if (stream_) stream_->abort();
}

void Exchange::begin(tcp::Stream& stream) {
    stream_ = &stream;
    open_ = true;
    report_.local = stream.local();
    report_.remote = stream.remote();
}

bool Exchange::connect(tcp::Transport& transport, const IpAddress& local, const Endpoint& remote,
                       const tcp::StreamOptions& options) {
    report_.remote = remote;
    stream_ = transport.connect({local, 0}, remote, options, *this);
    return stream_ != nullptr;
}

void Exchange::advance(Instant now) {
    if (!stream_) return;
    if (paused_ && !resume_) resume_ = now + plan_.pause;
    if (paused_ && now >= *resume_) {
        paused_ = false;
        pause_over_ = true;
        read_more();
    }
    if (stream_ && open_) write_more();
}

void Exchange::on_open() {
    open_ = true;
    report_.local = stream_->local();
    write_more();
}

void Exchange::on_readable() {
    if (!paused_) read_more();
}

void Exchange::on_writable() {
    write_more();
}

void Exchange::read_more() {
    if (!plan_.reads) return;
    for (Bytes bytes; !(bytes = stream_->peek()).empty();) {
        if (plan_.pause != Duration{0} && !pause_over_) {
            if (report_.received >= plan_.pause_after) {
                paused_ = true;
                return;
            }
            bytes = bytes.first(std::min<uint64_t>(bytes.size(), plan_.pause_after - report_.received));
        }
        if (plan_.checked) received_.add(bytes);
        report_.received += bytes.size();
        stream_->consume(bytes.size());
        if (abort_if_due()) return;
    }
    report_.ended = stream_->at_end();
    write_more();
}

void Exchange::write_more() {
    while (pattern_.left() > 0) {
        Bytes bytes = pattern_.next();
        size_t n = stream_->write(bytes);
        if (n == 0) return;
        if (plan_.checked) sent_.add(bytes.first(n));
        report_.sent += n;
        pattern_.take(n);
        if (abort_if_due()) return;
    }
    if (ended_own_ || (plan_.end_after_peer && !report_.ended)) return;
    ended_own_ = true;
    stream_->shutdown();
}

bool Exchange::abort_if_due() {
    if (plan_.abort_after == 0 || std::max(report_.sent, report_.received) < plan_.abort_after) return false;
    std::exchange(stream_, nullptr)->abort();
    report_.closed = tcp::CloseReason::aborted;
    finish();
    return true;
}

void Exchange::on_closed(tcp::CloseReason reason) {
    stream_ = nullptr;
    report_.closed = reason;
    finish();
}

void Exchange::finish() {
    if (plan_.checked) {
        report_.sent_sha256 = sent_.hex();
        report_.received_sha256 = received_.hex();
    }
    done_ = true;
    if (reporter_) reporter_(report_);
}

tcp::StreamHandler* ExchangeServer::on_accept(tcp::Stream& stream) {
    open_.push_back(std::make_unique<Exchange>(plan_, reporter_));
    open_.back()->begin(stream);
    return open_.back().get();
}

void ExchangeServer::advance(Instant now) {
    for (auto& one : open_) one->advance(now);
    std::erase_if(open_, [](const auto& one) { return one->done(); });
}

}  // namespace fedge::test
