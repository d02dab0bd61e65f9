// One core: all that it owns, and its loop. It polls its queue of every port, relays what belongs to TURN, passes on to
// its signalling part what is TCP, answers what belongs to the IP host, and hands over what belongs to another core.
// See dataplane/README.md for the way of a packet.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/clock.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/mailbox.h"
#include "dataplane/base/random.h"
#include "dataplane/core/adoption.h"
#include "dataplane/core/boot.h"
#include "dataplane/core/inquiry_desk.h"
#include "dataplane/core/request.h"
#include "dataplane/core/signalling.h"
#include "dataplane/core/stats.h"
#include "dataplane/core/steering.h"
#include "dataplane/core/trace_board.h"
#include "dataplane/ip/host.h"
#include "dataplane/policy/discovered_partners.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/port/port.h"
#include "dataplane/relay/digest.h"
#include "dataplane/relay/quota.h"
#include "dataplane/relay/turn.h"
#include "dataplane/wire/packet.h"

namespace fedge::core {

using PacketBox = Mailbox<rte_mbuf>;

// What a core is given. Everything here outlives it.
struct CoreSetup {
    uint16_t index = 0;  // among all cores; also its queue on every port
    uint16_t cores = 1;
    unsigned cpu = 0;
    int socket = -1;  // NUMA node
    bool media = true;
    const SignallingPlan* signalling = nullptr;  // null: no signalling part
    const Steering* steering = nullptr;
    uint32_t max_allocations = 0;
    relay::TableLimits limits;
    Idle idle = Idle::poll;
    std::span<port::Port* const> ports;  // this core polls queue `index` of each
    port::MbufPool* pool = nullptr;
    relay::SharedQuota* quota = nullptr;
    ConfigSlot* config = nullptr;
    RequestBox* replies = nullptr;  // to management
    // Of cores with a signalling part.
    InquiryBox* inquiries = nullptr;  // to management
    policy::DiscoveredPartners* partners = nullptr;
};

class Core final : private ip::Transmitter,
                   private relay::PeerOutput,
                   private tcp::LocalDelivery,
                   private signal::SipPost {
  public:
    // Takes all memory that the core will ever need. Throws std::runtime_error when there is not enough.
    Core(const CoreSetup& setup, Counters counters, const TscClock& clock);
    ~Core() override;

    // The mailboxes of all cores, own one included, by index. Once, before run().
    // `post`: null for cores without a signalling part.
    void connect(std::vector<PacketBox*> inboxes, std::vector<signal::SipPostBox*> post) {
        inboxes_ = std::move(inboxes);
        post_ = std::move(post);
    }
    signal::SipPostBox* post_box() { return post_box_.get(); }
    PacketBox& inbox() { return inbox_; }
    RequestBox& requests() { return requests_; }
    // nullptr without a signalling part.
    InquiryDesk* inquiries() { return inquiries_.get(); }
    LogRing& log() { return log_; }
    // Which SIP messages are to be copied, and the copies. Both nullptr without a signalling part.
    TraceSlot* trace_slot() { return signalling_ ? &traces_ : nullptr; }
    signal::TraceRing* traced() { return signalling_ ? &signalling_->sip().trace().ring() : nullptr; }

    // The loop, until `stop`. Runs on its own lcore.
    void run(const std::atomic<bool>& stop);

    // One turn of the loop; returns how much there was to do. run() calls it, and so do benchmarks and tests.
    uint32_t iterate();

    // For people: "media", "signalling", "media+signalling".
    const char* role() const;

    const CoreStats& stats() const { return stats_; }
    const CoreSetup& setup() const { return setup_; }
    uint32_t max_allocations() const { return turn_.max_allocations(); }
    uint32_t free_mbufs() const { return setup_.pool->free_count(); }
    const relay::Turn& turn() const { return turn_; }

  private:
    static constexpr uint32_t kBurst = 32;
    static constexpr uint32_t kInboxSize = 4096;
    static constexpr uint32_t kExpireBudget = 64;
    static constexpr uint32_t kPostSize = 1024;

    enum class Origin : uint8_t { port, handover };

    // A received packet on its way through one burst.
    struct Work {
        enum class Kind : uint8_t { gone, host, channel, stun, peer, tcp };
        rte_mbuf* mbuf;
        const uint8_t* frame;  // the mbuf's data, which packet's offsets count from
        wire::Packet packet;
        uint16_t interface;
        uint16_t id;  // listener or relay address
        Kind kind;
        relay::Handle handle;
        const uint32_t* slot;  // where the handle of a relay port stands
    };

    // The way of a burst (core_packets.cpp), in this order.
    void process(std::span<rte_mbuf*> burst, Origin origin);
    void classify(Work& work, Origin origin);
    std::optional<classify::Target> find_plain_target(Work& work) const;
    std::optional<classify::Target> find_target(Work& work);
    void to_media_core(Work& work, Origin origin);
    void refuse_by_access_rules(std::span<Work> burst);
    void look_up(std::span<Work> burst);
    void fetch_allocation(Work& work) const;
    void fetch_stream(const Work& work) const;
    void act(Work& work, Origin origin);
    void act_host(Work& work, Origin origin);
    void act_stun(Work& work, Origin origin);
    void act_tcp(Work& work, Origin origin);
    // The core that a TCP flow belongs to, and whether the port here is a relay port.
    struct TcpOwner {
        uint16_t core;
        bool relay;
    };
    TcpOwner tcp_owner(const Endpoint& local, const Endpoint& remote) const;
    void forward(Work& work, const relay::Forward& forward);
    template <size_t kRemoved, size_t kAdded>
    bool forward_plain(Work& work, const relay::Forward& forward);
    void reply(Work& work, Bytes message);
    void on_icmp_error(const ip::QuotedFlow& flow, const wire::Packet& packet, rte_mbuf* kept, Origin origin);
    // What answers on this address of ours, whichever interface has it.
    classify::Target target_of(const Endpoint& local) const;

    // From client to client (core_hairpin.cpp). A parcel is what stands in front of the data on its way to another
    // core, in place of headers. Such an mbuf has no port, and no other packet in a mailbox is without one: admit()
    // refuses what came from no port of ours.
    struct Parcel {
        Endpoint source;       // UDP: by which others know the sender's relay port
        Endpoint destination;  // relay address and port
        uint16_t udp_checksum;
        uint8_t dscp_ecn;
        bool tcp;  // a segment follows
    };
    void to_peer(Work& work);
    void hairpin(Work& work);
    // Deals with those of the inbox, moves the others to its front. Returns how many others there are.
    uint32_t take_hairpins(std::span<rte_mbuf*> inbox);
    void from_relay(Work& work);

    // Clients on streams (core_streams.cpp).
    void send(const relay::Forward& forward, Bytes data, Instant now) override;
    void to_stream(Work& work);
    void segment_from_here(rte_mbuf* mbuf, const Parcel& parcel);
    bool take(const tcp::SegmentOutput::Segment& segment) override;
    bool send(uint16_t core, std::unique_ptr<signal::SipParcel> parcel) override;
    uint32_t take_post();

    Bytes frame(const rte_mbuf* mbuf) const { return {rte_pktmbuf_mtod(mbuf, const uint8_t*), mbuf->data_len}; }
    static Bytes payload(const Work& work) {
        return {work.frame + work.packet.payload_offset, work.packet.payload_length};
    }
    const classify::PortsTable& targets_of(const Work& work) const {
        return config_->role(role_of(work.interface)).targets;
    }
    static classify::Direction direction(const Work& work) {
        return work.kind == Work::Kind::peer ? classify::Direction::to_client : classify::Direction::to_peer;
    }
    contract::Role role_of(uint16_t interface) const { return (*config_->interfaces)[interface].role; }
    bool udp_checksum_ok(const Work& work) const;
    void drop(Work& work, Drop reason);
    void hand_over(rte_mbuf* mbuf, uint16_t core, Origin origin);
    void copy_to_other_cores(const rte_mbuf* mbuf);

    // Between bursts (core.cpp).
    void note_connections();
    uint32_t receive();
    void adopt();
    void answer_requests();
    void answer(CoreRequest& request);
    // False: it is answered at once.
    bool begin_test(CoreRequest& request);
    void end_test();
    VerdictRow verdict(std::string_view name) const;
    uint16_t transmit(uint16_t port, std::span<rte_mbuf*> frames) override;

    CoreSetup setup_;
    Counters counters_;
    TscClock clock_;
    SystemRandom random_;
    relay::Digest digest_;
    Instant now_;
    uint64_t unix_now_ = 0;
    Instant next_resync_;
    const RunConfig* config_ = nullptr;
    relay::Turn turn_;
    ip::Host host_;
    std::unique_ptr<InquiryDesk> inquiries_;
    std::unique_ptr<signal::SipPostBox> post_box_;
    std::vector<signal::SipPostBox*> post_;
    std::unique_ptr<Signalling> signalling_;
    PacketBox inbox_;
    RequestBox requests_;
    std::vector<PacketBox*> inboxes_;
    LogRing log_;
    TraceSlot traces_;
    CoreRequest* test_ = nullptr;  // of a partner, under way
    CoreStats stats_;
    std::array<Work, kBurst> work_;
    relay::Forward forward_;
    std::array<uint8_t, relay::kReplyBuffer> reply_buffer_;
};

}  // namespace fedge::core
