// Plays a packet script against a Tcp under virtual time: the script is the wire, the peer and the application.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/tcp/tcp.h"
#include "tests/packet/flow.h"
#include "tests/packet/script.h"
#include "tests/packet/words.h"
#include "tests/support/tcp_segments.h"

namespace fedge::packet {

class Player final : public tcp::SegmentOutput, public tcp::Acceptor {
  public:
    // Needs the EAL (tests/support/eal.h). The script outlives the player.
    Player(const Script& script, Family family);
    ~Player() override;

    // Once. Nothing when everything was as the script says, otherwise the first thing that was not: place, line, what
    // was expected, what was seen, when.
    std::optional<std::string> run();

  private:
    struct Failure {
        std::string what;
    };
    struct Sent {
        test::SentSegment segment;
        Flow* flow;
        std::string text;
    };

    // Wire.
    void send(const Segment& segment, ip::Hop& hop, Instant now) override;
    uint16_t mtu(const IpAddress& source, const IpAddress& destination) override;
    void step(Instant to);
    void advance_to(Instant to);
    uint16_t of_family(int64_t mtu) const { return static_cast<uint16_t>(mtu + (family_ == Family::ipv6 ? 20 : 0)); }

    // Events.
    void play(const Event& event);
    void arrive(const Event& event);
    void expect_sent(const Event& event);
    void expect_piece(const SegmentText& piece, const Event& event, Instant earliest, Instant latest);
    void nothing_unexpected() const;
    std::string time_text() const { return seconds_text(now_ - start_); }

    // Commands (commands.cpp). Each takes its arguments from `words`.
    using Command = void (Player::*)(Flow&, Words&);
    struct CommandEntry {
        std::string_view name;
        Command run;
    };
    static const std::vector<CommandEntry>& commands();
    void run_command(const Event& event);
    void do_flow(Flow& flow, Words& words);
    void do_stream(Flow& flow, Words& words);
    void do_mtu(Flow& flow, Words& words);
    void do_listen(Flow& flow, Words& words);
    void do_unlisten(Flow& flow, Words& words);
    void do_connect(Flow& flow, Words& words);
    void do_renew(Flow& flow, Words& words);
    void do_accept(Flow& flow, Words& words);
    void do_write(Flow& flow, Words& words);
    void do_read(Flow& flow, Words& words);
    void do_consume(Flow& flow, Words& words);
    void do_on(Flow& flow, Words& words);
    void do_shutdown(Flow& flow, Words& words);
    void do_close(Flow& flow, Words& words);
    void do_abort(Flow& flow, Words& words);
    void do_quiet(Flow& flow, Words& words);
    void do_leap(Flow& flow, Words& words);
    void do_icmp(Flow& flow, Words& words);
    void do_expect(Flow& flow, Words& words);
    void do_info(Flow& flow, Words& words);
    void do_state(Flow& flow, Words& words);
    void do_memory(Flow& flow, Words& words);
    void do_counter(Flow& flow, Words& words);
    void do_drop(Flow& flow, Words& words);
    void do_isn_after(Flow& flow, Words& words);
    void do_isn_differs(Flow& flow, Words& words);
    void do_stamp_differs(Flow& flow, Words& words);
    void do_port(Flow& flow, Words& words);

    tcp::StreamHandler* on_accept(tcp::Stream& stream) override;
    Flow& flow_named(const std::string& name);
    Flow* flow_between(const Endpoint& local, const Endpoint& remote);
    tcp::Stream& stream_of(Flow& flow) const;
    static void demand(std::string_view what, const Number& wanted, uint64_t seen);
    void check_bytes(const Flow& flow, size_t taken, Words& words, std::string_view asked) const;

    const Script& script_;
    Family family_;
    IpAddress local_address_;
    uint16_t mtu_;
    tcp::StreamOptions stream_options_;
    uint16_t listening_port_ = 5061;
    bool refuse_ = false;
    std::list<Flow> flows_;

    Instant start_;
    Instant now_;
    Instant last_;  // when the last event happened: what relative times count from
    const Event* current_ = nullptr;
    std::deque<Sent> unexpected_;  // sent and not matched yet
    std::optional<std::string> wire_failure_;

    std::unique_ptr<contract::CounterBlock> counter_block_;
    SeededRandom random_;
    std::unique_ptr<tcp::Tcp> tcp_;
};

}  // namespace fedge::packet
