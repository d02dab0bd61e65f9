// Requests that wait: for an answer of DNS, or for a connection to their next hop; and copies of those that were sent
// on a connection on which nothing has come yet. Whole, as they came, so that they go the whole way again when what
// they waited for is known. Bounded by number, bytes and time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/sip_connection.h"

namespace fedge::signal {

// What is waited for.
struct WaitKey {
    enum class For : uint8_t { route, next_hop, sign_of_life };
    For what = For::route;
    uint64_t id = 0;  // hash of the domain, number of the next hop, or number of the connection
    static WaitKey sign_of_life(const SipConnection& connection) {
        return {For::sign_of_life, uint64_t{connection.id().index} << 32 | connection.id().generation};
    }
    friend bool operator==(const WaitKey&, const WaitKey&) = default;
};

struct HeldMessage {
    FlowId from;
    PeerKind kind = PeerKind::partner;  // of the connection that it came on
    WaitKey key;
    std::vector<uint8_t> bytes;
    uint32_t header_size = 0;
    bool admitted = false;  // counted against what its partner may send
    Instant deadline{};

    Bytes header() const { return Bytes(bytes).first(header_size); }
    Bytes body() const { return Bytes(bytes).subspan(header_size); }
};

class HeldMessages {
  public:
    // Under its key. False: no room; nothing was taken.
    bool hold(HeldMessage&& message, uint32_t most, uint64_t most_bytes);
    // All that wait for this, in the order in which they came; they wait no more.
    std::vector<HeldMessage> release(const WaitKey& key);
    // The next one whose time is over.
    std::optional<HeldMessage> expired(Instant now);

    uint32_t count() const { return count_; }
    uint32_t count(const WaitKey& key) const;
    uint64_t bytes() const { return bytes_; }

  private:
    struct Hash {
        size_t operator()(const WaitKey& key) const {
            return static_cast<size_t>((key.id ^ static_cast<uint64_t>(key.what) << 62) * 0x9e3779b97f4a7c15);
        }
    };
    void gone(const HeldMessage& message) {
        count_--;
        bytes_ -= message.bytes.size();
    }

    std::unordered_map<WaitKey, std::deque<HeldMessage>, Hash> waiting_;
    uint32_t count_ = 0;
    uint64_t bytes_ = 0;
    Instant next_look_{};
};

}  // namespace fedge::signal
