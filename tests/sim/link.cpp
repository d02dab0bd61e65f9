#include "tests/sim/link.h"

#include <algorithm>

namespace fedge::sim {
namespace {

constexpr Duration kSpacing = 100ns;

}  // namespace

bool Link::in_outage() {
    if (conditions_.outage_every == Duration{0}) return false;
    Instant now = scheduler_.now();
    while (outage_ends_ <= now) {
        // The first one is not before the first packet plus a pause.
        outage_starts_ = std::max(outage_ends_, outage_ends_ == Instant{} ? now : outage_ends_) +
                         dice_.between(Duration{0}, 2 * conditions_.outage_every);
        outage_ends_ = outage_starts_ + dice_.between(Duration{1}, 2 * conditions_.outage_length);
    }
    return now >= outage_starts_;
}

Instant Link::departure(size_t bytes) {
    Instant now = scheduler_.now();
    if (conditions_.bytes_per_second == 0) return now;
    auto takes = [&](uint64_t n) {
        return Duration{static_cast<int64_t>(n * 1'000'000'000 / conditions_.bytes_per_second)};
    };
    busy_until_ = std::max(busy_until_, now);
    if (busy_until_ - now + takes(bytes) > takes(conditions_.queue_bytes)) return kNever;
    busy_until_ += takes(bytes);
    return busy_until_;
}

void Link::send(Packet packet) {
    counters_.sent++;
    wire::TcpSegment segment;
    if (tamper_ && wire::parse_tcp(packet.bytes, segment) && !tamper_(packet, segment)) {
        counters_.tampered++;
        return;
    }
    if (packet.ip_bytes() > conditions_.mtu) {
        counters_.too_big++;
        if (conditions_.tells_mtu)
            scheduler_.after(conditions_.delay, [this, packet, mtu = conditions_.mtu] { tell_mtu_(packet, mtu); });
        return;
    }
    Instant left = departure(packet.ip_bytes());
    if (left == kNever) {
        counters_.overflowed++;
        return;
    }
    // Thrown in this order whatever comes of it, so that one setting does not move the dice of another.
    bool lost = dice_.chance(conditions_.loss_ppm);
    bool twice = dice_.chance(conditions_.duplicate_ppm);
    if (in_outage() || lost) {
        counters_.lost++;
        return;
    }
    if (twice) {
        counters_.duplicated++;
        travel(packet, left);
    }
    travel(std::move(packet), left);
}

void Link::travel(Packet packet, Instant left) {
    // No two packets of one wire arrive at the same instant.
    Instant arrives =
        std::max(last_arrival_ + kSpacing, left + conditions_.delay + dice_.between(Duration{0}, conditions_.jitter));
    if (dice_.chance(conditions_.reorder_ppm)) {
        counters_.reordered++;
        arrives += dice_.between(Duration{1}, conditions_.reorder_by);
    } else {
        last_arrival_ = arrives;
    }
    if (dice_.chance(conditions_.corrupt_ppm)) {
        uint32_t bit = dice_.between(0, static_cast<uint32_t>(packet.bytes.size() * 8 - 1));
        packet.bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    }
    scheduler_.at(arrives, [this, packet = std::move(packet)]() mutable {
        if (!checksum_ok(packet)) {
            counters_.corrupted++;
            return;
        }
        counters_.delivered++;
        deliver_(std::move(packet));
    });
}

}  // namespace fedge::sim
