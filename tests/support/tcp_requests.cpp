#include "tests/support/tcp_requests.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace fedge::test {

struct RequestClient::User final : tcp::StreamHandler {
    RequestClient* client = nullptr;
    tcp::Stream* stream = nullptr;
    bool opened = false;
    uint64_t number = 0;    // of the connection
    uint64_t requests = 0;  // begun
    uint32_t to_send = 0;   // bytes of the request in hand
    uint32_t to_receive = 0;
    std::array<uint8_t, RequestPlan::kMaxRequest> request;

    void ask() {
        uint32_t size = client->plan_.request_bytes;
        // Connection and request are part of it, so that no reply can be taken for another.
        std::array<uint64_t, 2> stamp{number, requests};
        std::memset(request.data(), static_cast<int>(requests), size);
        std::memcpy(request.data(), stamp.data(), std::min<size_t>(size, sizeof(stamp)));
        requests++;
        to_send = to_receive = size;
        send();
    }
    void send() {
        uint32_t size = client->plan_.request_bytes;
        if (to_send == 0) return;
        to_send -= static_cast<uint32_t>(stream->write(Bytes(request).subspan(size - to_send, to_send)));
    }
    void on_open() override {
        opened = true;
        client->open_++;
        client->stats_.opened++;
        ask();
    }
    void on_readable() override {
        uint32_t size = client->plan_.request_bytes;
        for (Bytes bytes; !(bytes = stream->peek()).empty();) {
            size_t n = std::min<size_t>(bytes.size(), to_receive);
            if (n == 0 || std::memcmp(bytes.data(), request.data() + (size - to_receive), n) != 0) {
                client->stats_.wrong++;
                stream->abort();
                return client->ended(*this);
            }
            stream->consume(n);
            to_receive -= static_cast<uint32_t>(n);
            if (to_receive > 0) continue;
            client->stats_.replies++;
            if (requests != client->plan_.requests_per_connection) {
                ask();
            } else {
                stream->shutdown();
            }
        }
    }
    void on_writable() override { send(); }
    void on_closed(tcp::CloseReason reason) override {
        auto& stats = client->stats_;
        stats.reasons[static_cast<size_t>(reason)]++;
        bool whole = reason == tcp::CloseReason::finished && to_receive == 0 &&
                     requests == client->plan_.requests_per_connection;
        (whole ? stats.finished : stats.broken)++;
        client->ended(*this);
    }
};

RequestClient::RequestClient(tcp::Transport& transport, const RequestPlan& plan)
    : transport_(transport), plan_(plan), users_(plan.at_once) {
    if (plan.request_bytes == 0 || plan.request_bytes > RequestPlan::kMaxRequest)
        throw std::invalid_argument("a request has 1 to 1024 bytes");
    idle_.reserve(users_.size());
    for (User& user : users_) {
        user.client = this;
        idle_.push_back(&user);
    }
}

RequestClient::~RequestClient() {
    for (User& user : users_)
        if (user.stream) user.stream->abort();
}

void RequestClient::advance() {
    while (!idle_.empty() && (plan_.connections == 0 || begun_ < plan_.connections)) {
        User& user = *idle_.back();
        user.opened = false;
        user.requests = 0;
        user.to_send = user.to_receive = 0;
        user.number = begun_;
        user.stream = transport_.connect({plan_.local, 0}, plan_.server, plan_.options, user);
        if (!user.stream) {
            stats_.no_room++;
            return;
        }
        idle_.pop_back();
        begun_++;
    }
}

void RequestClient::ended(User& user) {
    user.stream = nullptr;
    if (user.opened) open_--;
    ended_++;
    idle_.push_back(&user);
}

}  // namespace fedge::test
