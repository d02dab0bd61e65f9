// Users of streams that remember what they were told, and check that they were told in time and no more after the end.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tcp/stream.h"

namespace fedge::tcp {

using Events = std::vector<std::string>;

// The user of one stream.
struct User final : StreamHandler {
    Stream* stream = nullptr;
    bool gone = false;  // closed, aborted or told so
    bool busy = false;  // inside a call to the stream: no handler may be called
    bool reads = true;
    bool ended = false;
    std::optional<CloseReason> closed;
    std::string received;
    Events events;
    std::string service;
    std::function<void(User&)> when_open, when_readable, when_writable, when_closed;

    void on_open() override { told("open", when_open); }
    void on_readable() override {
        told("readable", when_readable);
        if (reads && !gone) read();
    }
    void on_writable() override { told("writable", when_writable); }
    void on_closed(CloseReason reason) override {
        EXPECT_FALSE(gone) << "closed twice";
        gone = true;
        closed = reason;
        told(std::string(name(reason)), when_closed, true);
        stream = nullptr;
    }

    void describe(StreamDetails& details) const override { details.service = service; }

    void told(const std::string& what, const std::function<void(User&)>& then, bool last = false) {
        EXPECT_FALSE(busy) << what << " was told from within a call";
        if (!last) EXPECT_FALSE(gone) << what << " was told after the end";
        events.push_back(what);
        if (then) then(*this);
    }
    void read() {
        busy = true;
        for (Bytes bytes; !(bytes = stream->peek()).empty(); stream->consume(bytes.size())) received += text_of(bytes);
        ended = stream->at_end();
        busy = false;
    }
    size_t write(std::string_view text) {
        busy = true;
        size_t n = stream->write(bytes_of(text));
        busy = false;
        return n;
    }
    void end() {
        call([&] { stream->shutdown(); });
    }
    void close() {
        call([&] { stream->close(); });
        gone = true;
    }
    void linger() {
        call([&] { stream->linger(); });
        gone = true;
    }
    void abort() {
        call([&] { stream->abort(); });
        gone = true;
    }
    bool told(const char* what) const { return std::find(events.begin(), events.end(), what) != events.end(); }

  private:
    void call(const std::function<void()>& what) {
        busy = true;
        what();
        busy = false;
    }
};

struct Users final : Acceptor {
    std::list<User> all;
    std::function<void(User&)> prepare;  // inside on_accept
    bool refuses = false;

    StreamHandler* on_accept(Stream& stream) override {
        if (refuses) return nullptr;
        all.emplace_back();
        all.back().stream = &stream;
        if (prepare) prepare(all.back());
        return &all.back();
    }
};

}  // namespace fedge::tcp
