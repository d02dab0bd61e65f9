#include "tests/support/stream_worlds.h"

#include <chrono>
#include <utility>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/tcp/kernel_transport.h"
#include "dataplane/tcp/tcp.h"
#include "tests/support/tcp_segments.h"

namespace fedge::test {
namespace {

template <typename Transport>
std::vector<tcp::ConnectionRow> list(const Transport& transport) {
    std::vector<tcp::ConnectionRow> all;
    std::array<tcp::ConnectionRow, 3> page;  // small: the cursor is used
    uint32_t cursor = 0;
    do {
        size_t n = transport.list(page, cursor);
        all.insert(all.end(), page.begin(), page.begin() + static_cast<std::ptrdiff_t>(n));
    } while (cursor != 0);
    return all;
}

class OwnWorld final : public StreamWorld {
  public:
    OwnWorld(Family family, const Impairment& impairment)
        : family_(family), a_(1, nullptr), b_(2, &observer_), there_(impairment, 11), back_(impairment, 12) {}

    tcp::Transport& client() override { return a_.tcp; }
    tcp::Transport& server() override { return b_.tcp; }
    IpAddress client_address() const override { return address("192.0.2.1", "2001:db8::1"); }
    IpAddress server_address() const override { return address("198.51.100.1", "2001:db8:1::1"); }
    Instant now() const override { return now_; }
    uint32_t streams() const override { return a_.tcp.memory().connections + b_.tcp.memory().connections; }
    // It leaves before the last segment of the handshake.
    bool reset_overtakes() const override { return true; }

    std::vector<tcp::ConnectionRow> list_server() const override { return list(b_.tcp); }

    void turn() override {
        turn(a_, there_, back_);
        turn(b_, back_, there_);
        now_ += 1ms;
    }

  private:
    struct Side {
        SeededRandom random;
        contract::CounterBlock block{};
        CollectingOutput output;
        tcp::Tcp tcp;
        Side(uint64_t seed, tcp::StreamObserver* observer)
            : random(seed), tcp(settings(observer), Counters{block}, random, output, Instant{1s}) {}
        static tcp::Settings settings(tcp::StreamObserver* observer) {
            tcp::Settings s;
            s.observer = observer;
            s.limits.connections = 256;
            s.limits.half_open = 64;
            s.limits.time_wait = 1024;
            s.limits.buffer_blocks = 4096;
            s.limits.destinations = 64;
            return s;
        }
    };
    using Wire = ImpairedWire<SentSegment>;

    IpAddress address(const char* four, const char* six) const {
        return *IpAddress::parse(family_ == Family::ipv4 ? four : six);
    }
    void turn(Side& side, Wire& out, Wire& in) {
        while (auto segment = in.take(now_)) {
            tcp::Arrival one = segment->arrival();
            side.tcp.receive({&one, 1}, now_);
        }
        side.tcp.advance(now_);
        side.tcp.flush(now_);
        for (SentSegment& segment : side.output.take()) out.put(std::move(segment), now_);
    }

    Family family_;
    Instant now_{1s};
    Side a_;
    Side b_;
    Wire there_;
    Wire back_;
};

class KernelWorld final : public StreamWorld {
  public:
    explicit KernelWorld(Family family) : family_(family) {}

    tcp::Transport& client() override { return client_; }
    tcp::Transport& server() override { return server_; }
    IpAddress client_address() const override {
        return *IpAddress::parse(family_ == Family::ipv4 ? "127.0.0.1" : "::1");
    }
    IpAddress server_address() const override { return client_address(); }
    Instant now() const override { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }
    uint32_t streams() const override { return client_.connections() + server_.connections(); }
    bool reset_overtakes() const override { return false; }

    std::vector<tcp::ConnectionRow> list_server() const override { return list(server_); }

    void turn() override {
        if (client_.turn(now()) + server_.turn(now()) == 0) client_.wait(200us);
    }

  private:
    Family family_;
    contract::CounterBlock block_{};
    tcp::KernelTransport client_{{}, Counters{block_}, Instant{1s}};
    tcp::KernelTransport server_{{.observer = &observer_}, Counters{block_}, Instant{1s}};
};

}  // namespace

bool StreamWorld::until(const std::function<bool()>& done, Duration limit) {
    for (Instant end = now() + limit; now() < end; turn())
        if (done()) return true;
    return done();
}

std::unique_ptr<StreamWorld> make_plain_world(Carrier carrier, Family family) {
    if (carrier == Carrier::kernel) return std::make_unique<KernelWorld>(family);
    Impairment impairment{.delay = 1ms};
    if (carrier == Carrier::impaired) impairment = {.loss = 0.03, .reorder = 0.05, .held_back = 8ms, .delay = 5ms};
    return std::make_unique<OwnWorld>(family, impairment);
}

}  // namespace fedge::test
