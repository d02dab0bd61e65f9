#include "dataplane/policy/discovered_partners.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace fedge::policy {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr uint32_t kMarksInBlock = 64;
constexpr uint32_t kBlocks = DiscoveredPartners::kMostContacts / kMarksInBlock;
constexpr uint32_t kCleanWindows = 2;  // after which a suspicious partner is as others
constexpr size_t kNameWords = 32;
constexpr size_t kLongestName = kNameWords * 8 - 1;

// A partner's word: the hash of its domain, and below what the place is at.
constexpr uint64_t kFree = 0;
constexpr uint64_t kStarting = 1;
constexpr uint64_t kReady = 2;
constexpr uint64_t kStateMask = 3;

int64_t ticks(Instant now) {
    return now.time_since_epoch().count();
}

bool is_failed(uint16_t status) {
    return status == 403 || status == 404 || status == 480;
}

uint64_t hash_text(const HashKey& key, std::string_view text, uint64_t h) {
    for (size_t at = 0; at < text.size(); at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, text.data() + at, std::min<size_t>(8, text.size() - at));
        h = fold_multiply(word ^ key.a, h ^ key.b);
    }
    return fold_multiply(h ^ key.c, text.size() ^ key.a);
}

}  // namespace

struct alignas(64) DiscoveredPartners::Partner {
    std::atomic<uint64_t> word{kFree};
    std::atomic<int64_t> full_at{INT64_MIN};  // when its bucket will be full again (GCRA)
    std::atomic<int64_t> last_seen{INT64_MIN};
    std::atomic<int64_t> window_start{0};
    std::atomic<uint32_t> window_finals{0};
    std::atomic<uint32_t> window_failed{0};
    std::atomic<uint32_t> suspicious{0};  // clean windows that are still missing; 0: it is not
    std::atomic<uint32_t> contacts{0};
    // Since it entered, going round at 2^32.
    std::atomic<uint32_t> messages{0};
    std::atomic<uint32_t> limited{0};
    std::atomic<uint32_t> finals{0};
    std::atomic<uint32_t> failed{0};
    std::atomic<uint32_t> contacts_refused{0};
    std::atomic<uint32_t> entered{0};                      // how often this place was taken
    std::array<std::atomic<uint32_t>, kBlocks> block{};    // + 1; 0: none
    std::array<std::atomic<uint64_t>, kNameWords> name{};  // ends with a byte of 0

    bool bad_window(uint32_t of, uint32_t bad, const PartnerLimits& limits) const {
        return of >= std::max(limits.window_finals, 1U) && uint64_t{bad} * 100 > uint64_t{of} * limits.failed_percent;
    }
    // Ends windows that are over.
    void advance(const PartnerLimits& limits, Instant now) {
        int64_t start = window_start.load(kRelaxed);
        int64_t length = std::max<int64_t>(limits.window.count(), 1);
        int64_t over = (ticks(now) - start) / length;
        if (over <= 0 || !window_start.compare_exchange_strong(start, start + over * length, kRelaxed)) return;
        uint32_t of = window_finals.exchange(0, kRelaxed);
        uint32_t bad = window_failed.exchange(0, kRelaxed);
        if (bad_window(of, bad, limits)) {
            suspicious.store(kCleanWindows, kRelaxed);
            over--;
        }
        uint32_t missing = suspicious.load(kRelaxed);
        if (missing) suspicious.store(over >= missing ? 0 : missing - static_cast<uint32_t>(over), kRelaxed);
    }
    bool lease(uint32_t rate, Instant now) {
        if (rate == 0) return true;
        // One second's worth may come at once.
        int64_t cost = std::chrono::nanoseconds(1s).count() / rate;
        int64_t at = ticks(now);
        int64_t old = full_at.load(kRelaxed);
        for (int attempt = 0; attempt < 8; attempt++) {
            int64_t next = std::max(old, at) + cost;
            if (next - at > cost * rate) return false;
            if (full_at.compare_exchange_weak(old, next, kRelaxed)) return true;
        }
        return false;
    }
    void write_name(std::string_view domain) {
        std::array<char, kNameWords * 8> text{};
        std::copy_n(domain.begin(), domain.size(), text.begin());
        for (size_t i = 0; i < kNameWords; i++) {
            uint64_t word_of_name;
            std::memcpy(&word_of_name, text.data() + 8 * i, 8);
            name[i].store(word_of_name, kRelaxed);
        }
    }
    void read_name(std::array<char, kNameWords * 8>& text) const {
        for (size_t i = 0; i < kNameWords; i++) {
            uint64_t word_of_name = name[i].load(kRelaxed);
            std::memcpy(text.data() + 8 * i, &word_of_name, 8);
        }
    }
};

struct alignas(64) DiscoveredPartners::Block {
    std::array<std::atomic<uint32_t>, kMarksInBlock> mark{};  // 0: none yet
    std::atomic<uint32_t> next{0};                            // free one behind it + 1
};

// What the reader had of a place.
struct DiscoveredPartners::Taken {
    uint32_t entered = 0;
    uint32_t messages = 0;
    uint32_t limited = 0;
    uint32_t finals = 0;
    uint32_t failed = 0;
    uint32_t contacts_refused = 0;
    bool suspicious = false;
};

DiscoveredPartners::DiscoveredPartners(const Room& room, const HashKey& key)
    : key_(key),
      mask_(std::bit_ceil(std::max(room.partners, kWindow)) * 2 - 1),
      partners_(std::make_unique<Partner[]>(mask_ + 1)),
      block_count_(std::max(room.contacts / kMarksInBlock, 1U)),
      blocks_(std::make_unique<Block[]>(block_count_)),
      free_blocks_(1),
      taken_(mask_ + 1) {
    for (uint32_t i = 0; i + 1 < block_count_; i++) blocks_[i].next.store(i + 2, kRelaxed);
}

DiscoveredPartners::~DiscoveredPartners() = default;

Admission DiscoveredPartners::admit(std::string_view domain, std::string_view user, std::string_view user_domain,
                                    bool was_suspicious, const PartnerLimits& limits, Instant now) {
    if (domain.empty() || domain.size() > kLongestName) return Admission::full;
    uint64_t tag = tag_of(domain);
    Partner* partner = find(tag);
    if (!partner) partner = enter(tag, domain, was_suspicious, now);
    if (!partner) return Admission::full;
    partner->last_seen.store(ticks(now), kRelaxed);
    partner->advance(limits, now);
    if (!partner->lease(partner->suspicious.load(kRelaxed) ? limits.suspicious_rate : limits.rate, now)) {
        partner->limited.fetch_add(1, kRelaxed);
        return Admission::rate;
    }
    uint32_t most = limits.max_contacts ? std::min(limits.max_contacts, kMostContacts) : 0;
    Admission admission = most ? count_contact(*partner, mark_of(user, user_domain), most) : Admission::admitted;
    (admission == Admission::admitted ? partner->messages : partner->contacts_refused).fetch_add(1, kRelaxed);
    return admission;
}

void DiscoveredPartners::on_final(std::string_view domain, uint16_t status, const PartnerLimits& limits, Instant now) {
    if (domain.empty() || domain.size() > kLongestName) return;
    Partner* partner = find(tag_of(domain));
    if (!partner) return;
    partner->advance(limits, now);
    partner->finals.fetch_add(1, kRelaxed);
    uint32_t of = partner->window_finals.fetch_add(1, kRelaxed) + 1;
    uint32_t bad = partner->window_failed.load(kRelaxed);
    if (is_failed(status)) {
        partner->failed.fetch_add(1, kRelaxed);
        bad = partner->window_failed.fetch_add(1, kRelaxed) + 1;
    }
    // At once, not only when the window is over.
    if (partner->bad_window(of, bad, limits)) partner->suspicious.store(kCleanWindows, kRelaxed);
}

size_t DiscoveredPartners::take_reports(size_t most, const PartnerLimits& limits, Instant now,
                                        const std::function<void(const Report&)>& each) {
    size_t given = 0;
    for (uint32_t looked = 0; looked <= mask_ && given < most; looked++, next_ = (next_ + 1) & mask_) {
        Partner& partner = partners_[next_];
        uint64_t word = partner.word.load(std::memory_order_acquire);
        if ((word & kStateMask) != kReady) continue;
        Taken& taken = taken_[next_];
        uint32_t entered = partner.entered.load(kRelaxed);
        if (entered != taken.entered) taken = Taken{.entered = entered};
        partner.advance(limits, now);
        Report report;
        auto news = [](const std::atomic<uint32_t>& count, uint32_t& before) {
            uint32_t all = count.load(kRelaxed);
            return all - std::exchange(before, all);
        };
        report.messages = news(partner.messages, taken.messages);
        report.limited = news(partner.limited, taken.limited);
        report.finals = news(partner.finals, taken.finals);
        report.failed = news(partner.failed, taken.failed);
        report.contacts_refused = news(partner.contacts_refused, taken.contacts_refused);
        report.contacts = partner.contacts.load(kRelaxed);
        report.suspicious = partner.suspicious.load(kRelaxed) != 0;
        bool turned = report.suspicious != std::exchange(taken.suspicious, report.suspicious);
        if (!report.messages && !report.limited && !report.finals && !report.contacts_refused && !turned) continue;
        partner.read_name(report.domain);
        report.domain_length = strnlen(report.domain.data(), report.domain.size());
        // Somebody else has the place meanwhile: what was read may be of both.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (partner.word.load(kRelaxed) != word) continue;
        each(report);
        given++;
    }
    return given;
}

std::array<uint32_t, 2> DiscoveredPartners::buckets(uint64_t tag) const {
    uint32_t starts = mask_ & ~(kBucket - 1);
    return {static_cast<uint32_t>(tag * 0x9e3779b97f4a7c15 >> 32) & starts,
            static_cast<uint32_t>(tag * 0xbf58476d1ce4e5b9 >> 32) & starts};
}

// The hash of a domain, which nobody can aim at another's, stands for it; its name is for reports.
DiscoveredPartners::Partner* DiscoveredPartners::find(uint64_t tag) const {
    for (uint32_t bucket : buckets(tag)) {
        for (uint32_t i = bucket; i < bucket + kBucket; i++)
            if (partners_[i].word.load(std::memory_order_acquire) == (tag | kReady)) return &partners_[i];
    }
    return nullptr;
}

DiscoveredPartners::Partner* DiscoveredPartners::enter(uint64_t tag, std::string_view domain, bool was_suspicious,
                                                       Instant now) {
    auto places = buckets(tag);
    auto at = [&](uint32_t i) -> Partner& { return partners_[places[i / kBucket] + i % kBucket]; };
    // A lost race leads to another look; losing so often in a row means that there is as good as no room.
    for (int attempt = 0; attempt < 8; attempt++) {
        std::array<uint32_t, 2> free{};
        std::array<uint32_t, 2> candidate{kWindow, kWindow};
        uint32_t quietest = kWindow;
        int64_t quiet_since = ticks(now - kQuiet);
        for (uint32_t i = 0; i < kWindow; i++) {
            uint64_t word = at(i).word.load(std::memory_order_acquire);
            if (word == (tag | kReady)) return &at(i);
            if ((word & kStateMask) == kFree) {
                if (free[i / kBucket]++ == 0) candidate[i / kBucket] = i;
            } else if (int64_t seen = at(i).last_seen.load(kRelaxed);
                       (word & kStateMask) == kReady && seen <= quiet_since) {
                quiet_since = seen;
                quietest = i;
            }
        }
        uint32_t chosen = candidate[free[1] > free[0]];
        if (chosen == kWindow) chosen = quietest;
        if (chosen == kWindow) return nullptr;
        Partner& partner = at(chosen);
        uint64_t word = partner.word.load(kRelaxed);
        bool available = (word & kStateMask) == kFree || (chosen == quietest && (word & kStateMask) == kReady &&
                                                          partner.last_seen.load(kRelaxed) <= quiet_since);
        if (!available || !partner.word.compare_exchange_strong(word, tag | kStarting, std::memory_order_acquire))
            continue;
        // Two cores may take two places for one partner at the same time: the first of them is used by all, see find().
        start(partner, domain, was_suspicious, now);
        partner.word.store(tag | kReady, std::memory_order_release);
        return find(tag);
    }
    return nullptr;
}

void DiscoveredPartners::start(Partner& partner, std::string_view domain, bool was_suspicious, Instant now) {
    for (auto& block : partner.block)
        if (uint32_t mine = block.exchange(0)) give_block(mine - 1);
    partner.full_at.store(INT64_MIN, kRelaxed);
    partner.last_seen.store(ticks(now), kRelaxed);
    partner.window_start.store(ticks(now), kRelaxed);
    partner.suspicious.store(was_suspicious ? kCleanWindows : 0, kRelaxed);
    for (auto* count : {&partner.window_finals, &partner.window_failed, &partner.contacts, &partner.messages,
                        &partner.limited, &partner.finals, &partner.failed, &partner.contacts_refused})
        count->store(0, kRelaxed);
    partner.write_name(domain);
    partner.entered.fetch_add(1, kRelaxed);
}

Admission DiscoveredPartners::count_contact(Partner& partner, uint32_t mark, uint32_t most) {
    uint32_t count = std::min(partner.contacts.load(std::memory_order_acquire), kMostContacts);
    for (uint32_t i = 0; i < count; i += kMarksInBlock) {
        uint32_t index = partner.block[i / kMarksInBlock].load(std::memory_order_acquire);
        if (!index) continue;
        const Block& block = blocks_[index - 1];
        uint32_t end = std::min(count - i, kMarksInBlock);
        for (uint32_t j = 0; j < end; j++)
            if (block.mark[j].load(kRelaxed) == mark) return Admission::admitted;
    }
    // Another core may add at the same time: the place is taken first, and then filled.
    for (int attempt = 0; attempt < 8; attempt++) {
        if (count >= most) return Admission::contacts;
        auto& slot = partner.block[count / kMarksInBlock];
        if (slot.load(kRelaxed) == 0) {
            uint32_t fresh = take_block();
            if (!fresh) return Admission::full;
            uint32_t none = 0;
            if (!slot.compare_exchange_strong(none, fresh)) give_block(fresh - 1);
        }
        if (!partner.contacts.compare_exchange_strong(count, count + 1)) continue;
        if (uint32_t index = slot.load(kRelaxed)) blocks_[index - 1].mark[count % kMarksInBlock].store(mark, kRelaxed);
        return Admission::admitted;
    }
    return Admission::full;
}

// A free block + 1, emptied; 0: there is none.
uint32_t DiscoveredPartners::take_block() {
    uint64_t head = free_blocks_.load(std::memory_order_acquire);
    for (int attempt = 0; attempt < 64; attempt++) {
        auto first = static_cast<uint32_t>(head);
        if (!first) return 0;
        uint64_t next = ((head >> 32) + 1) << 32 | blocks_[first - 1].next.load(kRelaxed);
        if (!free_blocks_.compare_exchange_weak(head, next, std::memory_order_acq_rel)) continue;
        for (auto& mark : blocks_[first - 1].mark) mark.store(0, kRelaxed);
        return first;
    }
    return 0;
}

void DiscoveredPartners::give_block(uint32_t block) {
    uint64_t head = free_blocks_.load(kRelaxed);
    do {
        blocks_[block].next.store(static_cast<uint32_t>(head), kRelaxed);
    } while (
        !free_blocks_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | (block + 1), std::memory_order_acq_rel));
}

uint64_t DiscoveredPartners::tag_of(std::string_view domain) const {
    return hash_text(key_, domain, key_.c) & ~kStateMask;
}

uint32_t DiscoveredPartners::mark_of(std::string_view user, std::string_view user_domain) const {
    uint64_t h = hash_text(key_, user_domain, hash_text(key_, user, ~key_.c));
    auto mark = static_cast<uint32_t>(h ^ h >> 32);
    return mark ? mark : 1;
}

}  // namespace fedge::policy
