// The users of streams that are timed (beside test::EchoServer), written against tcp/stream.h alone, so that the same
// code runs on our TCP and on the kernel's.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>

#include "dataplane/tcp/stream.h"

namespace fedge::perf {

inline constexpr size_t kMessage = 64;

// Reads and forgets.
class DiscardServer final : public tcp::Acceptor {
  public:
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        users_.emplace_back(stream, *this);
        return &users_.back();
    }
    uint64_t bytes() const { return bytes_; }

  private:
    struct User final : tcp::StreamHandler {
        User(tcp::Stream& s, DiscardServer& o) : stream(&s), owner(&o) {}
        void on_readable() override {
            for (Bytes got = stream->peek(); !got.empty(); got = stream->peek()) {
                owner->bytes_ += got.size();
                stream->consume(got.size());
            }
        }
        void on_writable() override {}
        void on_closed(tcp::CloseReason) override {}
        tcp::Stream* stream;
        DiscardServer* owner;
    };
    std::deque<User> users_;
    uint64_t bytes_ = 0;
};

// One connection that asks and waits for the whole answer.
class Requester final : public tcp::StreamHandler {
  public:
    void start(tcp::Stream* s) {
        if (!s) throw std::runtime_error("cannot connect: no port or no memory left");
        stream_ = s;
    }
    bool open() const { return open_; }
    bool waiting() const { return missing_ > 0; }
    uint64_t answers() const { return answers_; }

    void ask() {
        std::array<uint8_t, kMessage> message;
        message.fill(static_cast<uint8_t>('a' + answers_ % 26));
        if (stream_->write(message) != kMessage) throw std::runtime_error("a request was not taken");
        missing_ = kMessage;
    }

    void on_open() override { open_ = true; }
    void on_readable() override {
        for (Bytes got = stream_->peek(); !got.empty(); got = stream_->peek()) {
            if (got.size() > missing_ || got[0] != 'a' + answers_ % 26) throw std::runtime_error("an answer is wrong");
            missing_ -= got.size();
            stream_->consume(got.size());
        }
        if (missing_ == 0) answers_++;
    }
    void on_writable() override {}
    void on_closed(tcp::CloseReason reason) override {
        throw std::runtime_error("a connection ended: " + std::string(name(reason)));
    }

  private:
    tcp::Stream* stream_ = nullptr;
    size_t missing_ = 0;
    uint64_t answers_ = 0;
    bool open_ = false;
};

// Writes as much as is taken, for as long as it is wanted.
class Source final : public tcp::StreamHandler {
  public:
    tcp::Stream* stream = nullptr;
    bool open = false;
    void fill() {
        static const std::array<uint8_t, 16384> kText{};
        while (stream->write(kText) == kText.size()) {
        }
    }
    void on_open() override { open = true; }
    void on_readable() override {}
    void on_writable() override { fill(); }
    void on_closed(tcp::CloseReason reason) override {
        throw std::runtime_error("a connection ended: " + std::string(name(reason)));
    }
};

}  // namespace fedge::perf
