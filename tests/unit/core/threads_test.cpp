// Media cores in threads of their own, as in the program: packets change cores by mailbox while configurations are
// adopted and questions are asked. Under ThreadSanitizer (scripts/check --tsan) this is the test of what cores share.
//
// All frames wait in the rings before the threads start and are taken out after they ended: ring ports are drivers of
// DPDK, whose own synchronisation a sanitizer cannot see.
#include <rte_lcore.h>

#include <thread>

#include "dataplane/core/request.h"
#include "tests/unit/core/edge_fixture.h"

namespace fedge::core {
namespace {

using namespace test_edge;  // NOLINT(google-build-using-namespace)

constexpr uint16_t kCores = 3;
constexpr uint32_t kFramesPerQueue = 600;

class Threads : public Edge {
  protected:
    void poll() {
        for (uint16_t i = 0; i < kCores; i++) {
            threads_.emplace_back([this, i] {
                EXPECT_EQ(rte_thread_register(), 0);  // buffers are kept by lcore
                box_->core(i).run(stop_);
                rte_thread_unregister();
            });
        }
    }
    void stop() {
        stop_.store(true);
        for (auto& thread : threads_) thread.join();
    }
    // Asks a core for its allocations and waits for the answer.
    uint32_t allocations_of(uint16_t core) {
        request_.kind = CoreRequest::Kind::allocations;
        request_.core = core;
        request_.cursor = 0;
        EXPECT_TRUE(box_->core(core).requests().send(&request_));
        std::array<CoreRequest*, 1> answer{};
        while (box_->replies().receive(answer) == 0) std::this_thread::yield();
        EXPECT_EQ(answer[0], &request_);
        return request_.count;
    }

    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
    CoreRequest request_;
};

TEST_F(Threads, RelayWhileConfigurationsChangeAndQuestionsAreAsked) {
    EdgeBoxPlan plan;
    plan.idle = Idle::backoff;
    start(kCores, plan);
    contract::SnapshotT snapshot = EdgeBox::snapshot();
    snapshot.turn->allocation_kbps = snapshot.turn->user_kbps = 0;
    box_->publish(snapshot);
    // One client on each core; what each peer sends arrives on all queues alike.
    std::array<Endpoint, kCores> relays;
    for (uint16_t core = 0; core < kCores; core++) {
        Endpoint client{kClient.address, static_cast<uint16_t>(kClient.port + core)};
        relays[core] = allocate(client, kServer, core);
        bind(client, kServer, kPeer, 0x4001, core);
    }
    std::vector<uint8_t> data(172, 0x5a);
    for (uint16_t queue = 0; queue < kCores; queue++) {
        for (uint32_t i = 0; i < kFramesPerQueue; i++)
            ASSERT_TRUE(box_->send(test::udp_frame(box_->mac(), kPeer, relays[i % kCores], data), queue));
    }
    uint64_t sent = box_->total(Counter::tx_packets), handed_over = box_->total(Counter::handover_received);

    poll();
    for (uint64_t revision = 2; revision < 22; revision++) {
        snapshot.revision = revision;
        snapshot.turn->user_quota = static_cast<uint32_t>(revision);
        box_->offer(snapshot);
        for (uint16_t core = 0; core < kCores; core++) EXPECT_EQ(allocations_of(core), 1u);
        while (!box_->adopted()) std::this_thread::yield();
        for (uint16_t core = 0; core < kCores; core++) EXPECT_EQ(box_->core(core).stats().revision, revision);
    }
    auto end = std::chrono::steady_clock::now() + 30s;
    constexpr uint64_t kFrames = uint64_t{kCores} * kFramesPerQueue;
    while (box_->total(Counter::tx_packets) < sent + kFrames && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    stop();

    EXPECT_EQ(box_->total(Counter::tx_packets), sent + kFrames) << box_->drops();
    EXPECT_EQ(box_->total(Counter::handover_received), handed_over + kFrames * (kCores - 1) / kCores);
    std::array<uint32_t, kCores> received{};
    for (const Frame& frame : box_->receive()) {
        auto datagram = open(frame);
        ASSERT_TRUE(datagram);
        EXPECT_EQ(datagram->payload, channel_data(0x4001, data));
        received.at(datagram->destination.port - kClient.port)++;
    }
    for (uint32_t count : received) EXPECT_EQ(count, kFramesPerQueue);
}

}  // namespace
}  // namespace fedge::core
