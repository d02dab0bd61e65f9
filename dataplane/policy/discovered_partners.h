// What discovered partners do, counted across cores: their rate, whether they are suspicious, and how many users of
// ours they address (the limits of the Access Edge service for discovered partners).
//
// Like relay/quota.h an exception to "every object belongs to one core": a limit of a partner holds for all cores
// together. It is touched once per message of a discovered partner, of which each may send twenty in a second.
// Lock-free: atomics only, bounded work, no waiting. Two cores that do something about one partner at the same moment
// may miscount by what they do in this moment; nothing worse can happen.
//
// Bounded: there is room for so many partners at a time, not for all that were ever heard of. Who was quiet longest
// makes room when it was quiet for some time. Users are remembered as keyed hashes of 32 bits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/base/hash.h"
#include "dataplane/base/time.h"
#include "dataplane/policy/admission.h"

namespace fedge::policy {

// The settings of a snapshot.
struct PartnerLimits {
    uint32_t rate = 20;            // messages per second; 0: no limit
    uint32_t suspicious_rate = 1;  // ... of a suspicious partner; 0: no limit
    Duration window = 60s;
    uint32_t window_finals = 20;   // final responses in a window below which nothing is concluded
    uint32_t failed_percent = 50;  // share of failed ones above which a partner is suspicious
    uint32_t max_contacts = 1000;  // 0: no limit; at most kMostContacts
};

class DiscoveredPartners {
  public:
    static constexpr uint32_t kMostContacts = 4096;  // that can be counted for a partner
    static constexpr auto kQuiet = 10min;            // a partner that was quiet for as long may have to make room

    struct Room {
        uint32_t partners = 8192;
        uint32_t contacts = 1'048'576;  // of all partners together
    };

    // Heap, at start: 1.3 to 2.6 KB for each partner and 5 bytes for each contact.
    DiscoveredPartners(const Room& room, const HashKey& key);
    ~DiscoveredPartners();

    // One message of the discovered partner `domain` to this user of ours, whether there is one or not.
    // `was_suspicious`: as remembered from before (DomainVerdict::suspicious). The views need not outlive the call.
    Admission admit(std::string_view domain, std::string_view user, std::string_view user_domain, bool was_suspicious,
                    const PartnerLimits& limits, Instant now);

    // A final response went to the domain. Failed are 403, 404 and 480. Of those that admit() never saw nothing is
    // kept.
    void on_final(std::string_view domain, uint16_t status, const PartnerLimits& limits, Instant now);

    // What a partner did, as one reader takes it.
    struct Report {
        std::array<char, 256> domain{};
        size_t domain_length = 0;
        uint32_t messages = 0;  // let through since the last report, as all below
        uint32_t limited = 0;   // refused by the rate
        uint32_t finals = 0;
        uint32_t failed = 0;
        uint32_t contacts_refused = 0;
        uint32_t contacts = 0;  // now, all of them
        bool suspicious = false;

        std::string_view name() const { return {domain.data(), domain_length}; }
    };
    // Takes reports of partners about which there is news, at most `most`; goes on behind the last one with the next
    // call. One thread only.
    size_t take_reports(size_t most, const PartnerLimits& limits, Instant now,
                        const std::function<void(const Report&)>& each);

  private:
    struct Partner;
    struct Block;
    struct Taken;
    static constexpr uint32_t kBucket = 8;
    static constexpr uint32_t kWindow = 2 * kBucket;

    std::array<uint32_t, 2> buckets(uint64_t tag) const;
    Partner* find(uint64_t tag) const;
    Partner* enter(uint64_t tag, std::string_view domain, bool was_suspicious, Instant now);
    void start(Partner& partner, std::string_view domain, bool was_suspicious, Instant now);
    Admission count_contact(Partner& partner, uint32_t mark, uint32_t most);
    uint32_t take_block();
    void give_block(uint32_t block);
    uint64_t tag_of(std::string_view domain) const;
    uint32_t mark_of(std::string_view user, std::string_view user_domain) const;

    HashKey key_;
    uint32_t mask_;
    std::unique_ptr<Partner[]> partners_;
    uint32_t block_count_;
    std::unique_ptr<Block[]> blocks_;
    std::atomic<uint64_t> free_blocks_;  // first one + 1, below a number that changes with each change
    // Of the reader alone.
    std::vector<Taken> taken_;
    uint32_t next_ = 0;
};

}  // namespace fedge::policy
