// One host with two ports under virtual time. Every test ends with all mbufs back in the pool.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/ip/host.h"
#include "dataplane/port/mbuf_pool.h"
#include "tests/support/ip_lab.h"

namespace fedge::ip {

using test::Frame;
using test::ip;
using test::L2;
using test::mac;

inline const MacAddress kWan = mac(0xa0);
inline const MacAddress kLan = mac(0xa1);
inline const MacAddress kPeer = mac(0x11);
inline const MacAddress kGateway = mac(0xfe);
inline const MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

inline const test::SnapshotText kHostSnapshot{
    .interfaces = {{"outside", "wan", {"192.0.2.1/24", "2001:db8:1::1/64"}, {"192.0.2.254", "2001:db8:1::fe"}},
                   {"inside", "lan", {"198.51.100.1/24", "2001:db8:2::1/64"}, {}, 7}}};

class HostTest : public testing::Test {
  protected:
    explicit HostTest(bool announces = false, uint32_t capacity = 64, const test::SnapshotText& text = kHostSnapshot)
        : pool_("ip-test", {.mbufs = 2047, .cache = 0}, SOCKET_ID_ANY), interfaces_(test::compile(text)) {
        HostConfig config;
        config.neighbors.capacity = capacity;
        config.pool = pool_.get();
        config.announces = announces;
        host_ = std::make_unique<Host>(config, counters_, random_, wire_, now_);
        host_->adopt(interfaces_.get(), policy_, now_);
    }
    ~HostTest() override {
        host_.reset();
        EXPECT_EQ(pool_.free_count(), pool_.size()) << "mbufs leaked";
    }

    // As core/ does: parse, admit, count; what is not UDP goes to the host.
    std::optional<QuotedFlow> receive(uint16_t port, const Frame& frame, bool may_reply = true) {
        wire::Packet packet;
        if (auto reason = wire::parse(frame, false, packet)) {
            counters_.drop(*reason);
            return std::nullopt;
        }
        uint16_t interface;
        if (auto reason = host_->admit(port, frame, packet, interface)) {
            counters_.drop(*reason);
            return std::nullopt;
        }
        admitted_++;
        if (packet.is_udp()) return std::nullopt;
        auto flow = host_->on_packet(test::to_mbuf(pool_.get(), frame), packet, interface, now_, may_reply);
        host_->flush();
        return flow;
    }

    void wait(Duration d) {
        for (Instant end = now_ + d; now_ < end; now_ += 50ms) {
            host_->advance(now_);
            host_->flush();
        }
    }

    std::vector<test::Wire::Sent> take_sent() { return std::exchange(wire_.sent, {}); }
    uint64_t count(Counter c) const { return counters_.value(c); }
    uint64_t count(Drop d) const { return counters_.value(d); }

    contract::CounterBlock block_{};
    Counters counters_{block_};
    SeededRandom random_{7};
    port::MbufPool pool_;
    test::Wire wire_;
    Instant now_{1000s};
    HostPolicy policy_;
    std::unique_ptr<const Interfaces> interfaces_;
    std::unique_ptr<Host> host_;
    int admitted_ = 0;
};

}  // namespace fedge::ip
