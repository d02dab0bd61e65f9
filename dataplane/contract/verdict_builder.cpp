#include "dataplane/contract/verdict_builder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include "dataplane/contract/huge_mapping.h"
#include "dataplane/contract/verdict_layout.h"

namespace fedge::contract {
namespace {

using namespace verdict_layout;

// More homes than entries, so that most entries stand at home: 64 / 0.6 = 107 bytes for each.
uint32_t homes_for(size_t entries) {
    return static_cast<uint32_t>(entries + entries * 2 / 3 + 1);
}

// Below, translations of all pages fit the processor's second TLB, and a delta is to be out quickly.
constexpr size_t kWorthHugePages = size_t{8} << 20;

Kind kind_of(Rule rule) {
    switch (rule) {
        case Rule::allowed: return Kind::allowed;
        case Rule::blocked: return Kind::blocked;
        case Rule::discovered: return Kind::discovered;
        case Rule::none: break;
    }
    throw std::invalid_argument("an entry without a rule");
}

int strength(Kind kind) {
    switch (kind) {
        case Kind::blocked: return 4;
        case Kind::allowed: return 3;
        case Kind::discovered: return 2;
        case Kind::user: return 2;
        default: return 1;
    }
}

void check_name(std::string_view name, size_t longest) {
    if (name.empty() || name.size() > longest) throw std::invalid_argument("a name of impossible length");
    if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos)
        throw std::invalid_argument("a name with an empty label");
}

}  // namespace

struct VerdictBuilder::Layout {
    uint32_t homes = 0;
    uint32_t slots = 0;
    size_t long_names = 0;
    std::vector<Place> places;  // in the order of slots

    size_t bytes(size_t texts) const { return sizeof(Header) + slots * sizeof(Slot) + texts + long_names; }
};

VerdictBuilder::Stored& VerdictBuilder::store(std::string_view name, size_t longest, uint8_t kind) {
    check_name(name, longest);
    if (names_.size() > UINT32_MAX - longest || texts_.size() > UINT32_MAX - kMaxDomainEntry)
        throw std::length_error("too many verdicts for one table");
    uint32_t labels = 0;
    Stored entry{};
    entry.hash = hash_name(key_, name, labels);
    entry.name = static_cast<uint32_t>(names_.size());
    entry.name_length = static_cast<uint16_t>(name.size());
    entry.kind = kind;
    names_ += name;
    if (name.find('@') == std::string_view::npos) {
        min_labels_ = std::min(min_labels_, labels);
        max_labels_ = std::max(max_labels_, labels);
    }
    return entries_.emplace_back(entry);
}

void VerdictBuilder::add(const DomainEntry& domain) {
    if (domain.name.find('@') != std::string_view::npos) throw std::invalid_argument("a user is no domain");
    if (domain.via.size() > kMaxDomainEntry) throw std::invalid_argument("a server's name of impossible length");
    Stored& entry = store(domain.name, kMaxDomainEntry, static_cast<uint8_t>(kind_of(domain.rule)));
    entry.verification = domain.verification;
    entry.purpose = domain.purpose;
    entry.srv_mode = domain.srv_mode;
    entry.flags = static_cast<uint8_t>((domain.monitored ? kMonitored : 0) | (domain.suspicious ? kSuspicious : 0));
    if (domain.via.empty()) return;
    auto [server, is_new] = servers_.try_emplace(std::string(domain.via), static_cast<uint32_t>(texts_.size()));
    if (is_new) texts_ += domain.via;
    entry.via = server->second;
    entry.via_length = static_cast<uint16_t>(domain.via.size());
}

void VerdictBuilder::add_user(std::string_view address, Access access) {
    if (address.find('@') == std::string_view::npos) throw std::invalid_argument("a domain is no user");
    store(address, kMaxUserEntry, static_cast<uint8_t>(Kind::user)).access = static_cast<uint8_t>(access);
}

void VerdictBuilder::remove(std::string_view name) {
    bool user = name.find('@') != std::string_view::npos;
    store(name, user ? kMaxUserEntry : kMaxDomainEntry, static_cast<uint8_t>(Kind::removed));
}

// Positions in entries_, in the order of their homes; those of home h are at starts[h] to starts[h + 1].
std::vector<uint32_t> VerdictBuilder::by_home(uint32_t homes, std::vector<uint32_t>& starts) const {
    starts.assign(size_t{homes} + 2, 0);
    for (const Stored& entry : entries_) starts[home_of(entry.hash, homes) + 2]++;
    for (size_t i = 2; i < starts.size(); i++) starts[i] += starts[i - 1];
    std::vector<uint32_t> order(entries_.size());
    for (uint32_t i = 0; i < entries_.size(); i++) order[starts[home_of(entries_[i].hash, homes) + 1]++] = i;
    return order;
}

// Of several entries with one name one stays. The group is in the order in which entries were added.
void VerdictBuilder::keep_strongest(std::vector<uint32_t>& group) const {
    for (size_t i = 0; i < group.size(); i++) {
        for (size_t other = group.size(); --other > i;) {
            const Stored& a = entries_[group[i]];
            const Stored& b = entries_[group[other]];
            if (a.hash != b.hash || name_of(a) != name_of(b)) continue;
            if (strength(static_cast<Kind>(b.kind)) >= strength(static_cast<Kind>(a.kind))) group[i] = group[other];
            group.erase(group.begin() + static_cast<ptrdiff_t>(other));
        }
    }
}

VerdictBuilder::Layout VerdictBuilder::lay_out() const {
    auto too_many = [] { return std::length_error("too many verdicts for one table"); };
    if (entries_.size() > kMaxSlots / 2) throw too_many();
    Layout layout;
    layout.homes = homes_for(entries_.size());
    layout.places.reserve(entries_.size());
    std::vector<uint32_t> starts;
    std::vector<uint32_t> order = by_home(layout.homes, starts);
    std::vector<uint32_t> group;
    uint32_t next = 0;  // free slot
    for (uint32_t home = 0; home < layout.homes; home++) {
        if (starts[home] == starts[home + 1]) continue;
        group.assign(order.begin() + starts[home], order.begin() + starts[home + 1]);
        if (group.size() > 1) keep_strongest(group);
        next = std::max(next, home);
        if (next + group.size() - home > kMaxDistance) throw too_many();
        for (uint32_t entry : group) {
            if (entries_[entry].name_length > kInlineName) layout.long_names += entries_[entry].name_length;
            layout.places.push_back({entry, next++, home});
        }
    }
    layout.slots = std::max(next, layout.homes) + 1;  // the line behind a home may always be fetched
    if (texts_.size() + layout.long_names > UINT32_MAX) throw too_many();
    return layout;
}

// `out` is zeroed.
void VerdictBuilder::write(const Layout& layout, uint8_t* out) const {
    Header& header = *new (out) Header{};
    header.magic = kMagic;
    header.version = kVersion;
    header.min_labels = min_labels_;
    header.max_labels = max_labels_;
    header.key = key_;
    header.homes = layout.homes;
    header.slots = layout.slots;
    header.text_bytes = texts_.size() + layout.long_names;
    Slot* slots = reinterpret_cast<Slot*>(out + sizeof(Header));
    char* texts = reinterpret_cast<char*>(slots + layout.slots);
    std::copy(texts_.begin(), texts_.end(), texts);
    auto text_at = static_cast<uint32_t>(texts_.size());
    constexpr size_t kAhead = 8;  // entries lie anywhere, slots in a row
    for (size_t i = 0; i < layout.places.size(); i++) {
        if (i + kAhead < layout.places.size()) __builtin_prefetch(&entries_[layout.places[i + kAhead].entry]);
        const Place& place = layout.places[i];
        const Stored& entry = entries_[place.entry];
        Slot& slot = slots[place.slot];
        slot.tag = tag_of(entry.hash);
        slot.via = entry.via;
        slot.name_length = entry.name_length;
        slot.via_length = entry.via_length;
        slot.kind = static_cast<Kind>(entry.kind);
        slot.verification = entry.verification;
        slot.purpose = entry.purpose;
        slot.srv_mode = entry.srv_mode;
        slot.flags = entry.flags;
        slot.access = entry.access;
        std::string_view name = name_of(entry);
        if (slot.has_inline_name()) {
            std::copy(name.begin(), name.end(), slot.name);
        } else {
            std::copy(name.begin(), name.end(), texts + text_at);
            std::memcpy(slot.name, &text_at, sizeof(text_at));
            text_at += entry.name_length;
        }
        Slot& home = slots[place.home];
        if (home.count++ == 0) home.first = static_cast<uint8_t>(place.slot - place.home);
        header.entries[entry.kind]++;
    }
}

std::vector<uint8_t> VerdictBuilder::build() const {
    Layout layout = lay_out();
    std::vector<uint8_t> out(layout.bytes(texts_.size()));
    write(layout, out.data());
    return out;
}

Descriptor VerdictBuilder::build_sealed() const {
    auto fail = [](const char* what) { throw std::system_error(errno, std::generic_category(), what); };
    Layout layout = lay_out();
    size_t bytes = layout.bytes(texts_.size());
    Descriptor memory(memfd_create("fedge-verdicts", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) fail("memfd for a verdict table");
    if (ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) fail("memory for a verdict table");
    void* mapped = map_huge(memory.get(), bytes, PROT_READ | PROT_WRITE);
    if (!mapped) fail("mapping a verdict table");
    write(layout, static_cast<uint8_t*>(mapped));
    if (bytes >= kWorthHugePages) collapse_to_huge_pages(mapped, bytes);
    munmap(mapped, bytes);
    if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        fail("sealing a verdict table");
    return memory;
}

}  // namespace fedge::contract
