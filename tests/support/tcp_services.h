// Servers for tests and benchmarks, written against tcp/stream.h alone: the same code runs on our TCP and on the
// kernel twin. Streams of one server come from a pool that grows to the most used at once; requests cost no heap.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tcp/stream.h"
#include "tests/support/tcp_content.h"

namespace fedge::test {

// What became of one stream.
struct StreamReport {
    const char* service = "";
    Endpoint local;
    Endpoint remote;
    uint64_t sent = 0;      // bytes that the stream took
    uint64_t received = 0;  // bytes read
    std::string sent_sha256;
    std::string received_sha256;
    bool ended = false;  // the peer ended its direction
    std::optional<tcp::CloseReason> closed;
};
using Reporter = std::function<void(const StreamReport&)>;

// Sends back what comes, and its end. What cannot be sent back yet stays unread, so that the peer's window closes.
class EchoServer final : public tcp::Acceptor {
  public:
    EchoServer();
    ~EchoServer() override;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override;
    uint32_t open() const { return open_; }
    uint64_t bytes() const { return bytes_; }

  private:
    struct User;
    std::vector<std::unique_ptr<User>> users_;
    std::vector<User*> free_;
    uint32_t open_ = 0;
    uint64_t bytes_ = 0;
};

// Reads, sends a pattern, or both; one report for each stream when it is closed.
struct ExchangePlan {
    const char* service = "";
    uint64_t send_bytes = 0;
    uint64_t seed = 1;
    bool reads = true;
    bool checked = true;          // false, for benchmarks: nothing is hashed, the first bytes are sent again and again
    uint64_t pause_after = 0;     // stops reading when so many bytes have come...
    Duration pause{};             // ...for so long; 0: never stops
    uint64_t abort_after = 0;     // aborts when so many bytes were sent or received; 0: does not
    bool end_after_peer = false;  // our end follows the peer's, not our last byte
};

class ExchangeServer;

// One stream of an exchange, on either side of a connection.
class Exchange final : public tcp::StreamHandler {
  public:
    Exchange(const ExchangePlan& plan, Reporter reporter);
    ~Exchange() override;

    void begin(tcp::Stream& stream);  // an accepted stream; call advance() afterwards
    bool connect(tcp::Transport& transport, const IpAddress& local, const Endpoint& remote,
                 const tcp::StreamOptions& options);
    // Pauses end here, and writing begins. Once per turn of the loop.
    void advance(Instant now);
    bool done() const { return done_; }
    const StreamReport& report() const { return report_; }

    void on_open() override;
    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;

  private:
    void write_more();
    void read_more();
    bool abort_if_due();
    void finish();

    ExchangePlan plan_;
    Reporter reporter_;
    Pattern pattern_;
    Digest sent_;
    Digest received_;
    StreamReport report_;
    tcp::Stream* stream_ = nullptr;
    bool open_ = false;
    bool ended_own_ = false;
    bool paused_ = false;
    bool pause_over_ = false;
    std::optional<Instant> resume_;
    bool done_ = false;
};

class ExchangeServer final : public tcp::Acceptor {
  public:
    ExchangeServer(const ExchangePlan& plan, Reporter reporter) : plan_(plan), reporter_(std::move(reporter)) {}
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override;
    void advance(Instant now);
    size_t open() const { return open_.size(); }

  private:
    ExchangePlan plan_;
    Reporter reporter_;
    std::vector<std::unique_ptr<Exchange>> open_;
};

}  // namespace fedge::test
