#include "dataplane/contract/verdicts.h"

#include <algorithm>
#include <array>

#include "dataplane/contract/verdict_layout.h"

namespace fedge::contract {
namespace {

using namespace verdict_layout;

constexpr size_t kMaxLabels = kMaxDomainEntry / 2 + 1;

struct Suffix {
    uint64_t hash;
    uint32_t begin;  // in the name
};

// The name and its parents that have `least` to `most` labels, shortest first.
template <typename OnSuffix>
uint32_t suffixes(const VerdictKey& key, std::string_view name, uint32_t least, uint32_t most,
                  std::array<Suffix, kMaxLabels>& out, OnSuffix on_suffix) {
    LabelHash hash(key);
    uint32_t labels = 0;
    uint32_t count = 0;
    size_t end = name.size();
    for (size_t i = end; labels < most; i--) {
        if (i > 0 && name[i - 1] != '.') continue;
        uint64_t value = hash.add(name.substr(i, end - i));
        if (++labels >= least) {
            out[count++] = {value, static_cast<uint32_t>(i)};
            on_suffix(value);
        }
        if (i == 0) break;
        end = i - 1;
    }
    return count;
}

bool is_domain(Kind kind) {
    return kind == Kind::allowed || kind == Kind::blocked || kind == Kind::discovered;
}

std::string check_slot(const Slot& slot, std::string_view texts) {
    bool user = slot.kind == Kind::user;
    size_t longest = is_domain(slot.kind) ? kMaxDomainEntry : kMaxUserEntry;
    if (static_cast<uint8_t>(slot.kind) >= kKinds) return "an entry of unknown kind";
    if (slot.name_length == 0 || slot.name_length > longest) return "a name of impossible length";
    if (!slot.has_inline_name() &&
        (slot.name_offset() > texts.size() || texts.size() - slot.name_offset() < slot.name_length))
        return "a name outside of the table";
    if (slot.via_length > kMaxDomainEntry) return "a server's name of impossible length";
    if (slot.via_length && (slot.via > texts.size() || texts.size() - slot.via < slot.via_length))
        return "a server's name outside of the table";
    if (slot.verification > Verification::MAX || slot.purpose > Purpose::MAX || slot.srv_mode > SrvMode::MAX ||
        slot.flags > kFlags || slot.access > static_cast<uint8_t>(Access::ANY) || (slot.access && !user))
        return "an entry with impossible properties";
    return {};
}

}  // namespace

std::optional<VerdictTable> VerdictTable::open(std::span<const uint8_t> bytes, std::string& error) {
    auto damaged = [&error](const std::string& what) {
        error = "the verdict table is damaged: " + what;
        return std::nullopt;
    };
    if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(Slot) != 0) return damaged("it is not aligned");
    if (bytes.size() < sizeof(Header)) return damaged("it is too short");
    VerdictTable table;
    const Header& header = *reinterpret_cast<const Header*>(bytes.data());
    if (header.magic != kMagic) return damaged("it is something else");
    if (header.version != kVersion) return damaged("it is of another version");
    size_t rest = bytes.size() - sizeof(Header);
    if (header.homes == 0 || header.slots < header.homes || header.slots > kMaxSlots ||
        rest / sizeof(Slot) < header.slots || rest - header.slots * sizeof(Slot) != header.text_bytes)
        return damaged("its parts do not fit together");
    table.header_ = &header;
    table.slots_ = reinterpret_cast<const Slot*>(bytes.data() + sizeof(Header));
    table.texts_ = reinterpret_cast<const char*>(table.slots_ + header.slots);
    table.homes_ = header.homes;
    table.min_labels_ = header.min_labels;
    table.max_labels_ = header.max_labels;
    table.bytes_ = bytes.size();

    // Every entry stands within the range that its home names. There are as many entries as places in all ranges, so
    // there is nothing else in the ranges either, and look-ups need not check them.
    std::string_view texts(table.texts_, header.text_bytes);
    uint32_t entries[kKinds] = {};
    uint64_t occupied = 0;
    uint64_t places = 0;
    uint32_t max_labels = 0;
    uint32_t min_labels = UINT32_MAX;
    for (uint32_t i = 0; i < header.slots; i++) {
        const Slot& slot = table.slots_[i];
        if (slot.count) {
            if (i >= header.homes || uint64_t{i} + slot.first + slot.count > header.slots)
                return damaged("a range outside of the table");
            places += slot.count;
        }
        if (slot.kind == Kind::empty) continue;
        if (std::string why = check_slot(slot, texts); !why.empty()) return damaged(why);
        std::string_view name = table.name_of(slot);
        uint32_t labels = 0;
        uint64_t hash = hash_name(header.key, name, labels);
        uint32_t home = home_of(hash, header.homes);
        const Slot& range = table.slots_[home];
        if (slot.tag != tag_of(hash) || i < home + range.first || i - home - range.first >= range.count)
            return damaged("an entry at a wrong place");
        if (name.find('@') == std::string_view::npos) {
            min_labels = std::min(min_labels, labels);
            max_labels = std::max(max_labels, labels);
        }
        entries[static_cast<size_t>(slot.kind)]++;
        occupied++;
    }
    if (occupied != places) return damaged("ranges with holes");
    if (header.max_labels != max_labels || header.min_labels != min_labels || max_labels > kMaxLabels)
        return damaged("names of impossible depth");
    for (size_t kind = 1; kind < kKinds; kind++)
        if (entries[kind] != header.entries[kind]) return damaged("a wrong number of entries");
    return table;
}

const VerdictKey& VerdictTable::key() const {
    return header_->key;
}

uint64_t VerdictTable::domains() const {
    auto of = [this](Kind kind) { return uint64_t{header_->entries[static_cast<size_t>(kind)]}; };
    return of(Kind::allowed) + of(Kind::blocked) + of(Kind::discovered);
}

uint64_t VerdictTable::users() const {
    return header_->entries[static_cast<size_t>(Kind::user)];
}

uint64_t VerdictTable::removed() const {
    return header_->entries[static_cast<size_t>(Kind::removed)];
}

void VerdictTable::prefetch(uint64_t hash, uint32_t lines) const {
    const Slot* home = slots_ + home_of(hash, homes_);
    for (uint32_t i = 0; i < lines; i++) __builtin_prefetch(home + i);
}

const Slot* VerdictTable::find(uint64_t hash, std::string_view name) const {
    const Slot* home = slots_ + home_of(hash, homes_);
    const Slot* entry = home + home->first;
    for (const Slot* end = entry + home->count; entry != end; entry++)
        if (entry->tag == tag_of(hash) && name_of(*entry) == name) return entry;
    return nullptr;
}

std::string_view VerdictTable::name_of(const Slot& slot) const {
    return {slot.has_inline_name() ? slot.name : texts_ + slot.name_offset(), slot.name_length};
}

std::string_view VerdictTable::via_of(const Slot& slot) const {
    return slot.via_length ? std::string_view(texts_ + slot.via, slot.via_length) : std::string_view();
}

DomainVerdict VerdictTable::verdict(const Slot& slot) const {
    Rule rule = slot.kind == Kind::allowed   ? Rule::allowed
                : slot.kind == Kind::blocked ? Rule::blocked
                                             : Rule::discovered;
    return {rule,
            slot.verification,
            slot.purpose,
            slot.srv_mode,
            (slot.flags & kMonitored) != 0,
            (slot.flags & kSuspicious) != 0,
            name_of(slot),
            via_of(slot)};
}

DomainVerdict Verdicts::domain(std::string_view name) const {
    const VerdictTable* keyed = base_ ? base_ : delta_;
    if (!keyed || name.empty() || name.size() > kMaxDomainEntry) return {};
    uint32_t least = std::min(base_ ? base_->min_labels_ : UINT32_MAX, delta_ ? delta_->min_labels_ : UINT32_MAX);
    uint32_t most = std::max(base_ ? base_->max_labels_ : 0, delta_ ? delta_->max_labels_ : 0);
    std::array<Suffix, kMaxLabels> names;
    // All lines are on their way before the first is looked at, so that their misses overlap.
    uint32_t count = suffixes(keyed->key(), name, least, most, names, [this](uint64_t hash) {
        if (base_) base_->prefetch(hash, 2);
        if (delta_) delta_->prefetch(hash, 1);
    });
    DomainVerdict discovered;
    for (uint32_t i = count; i-- > 0;) {
        std::string_view suffix = name.substr(names[i].begin);
        const VerdictTable* table = delta_;
        const Slot* slot = delta_ ? delta_->find(names[i].hash, suffix) : nullptr;
        if (!slot && base_) {
            table = base_;
            slot = base_->find(names[i].hash, suffix);
        }
        if (!slot || !is_domain(slot->kind)) continue;
        if (slot->kind != Kind::discovered) return table->verdict(*slot);
        if (names[i].begin == 0) discovered = table->verdict(*slot);
    }
    return discovered;
}

std::optional<Access> Verdicts::user(std::string_view address) const {
    const VerdictTable* keyed = base_ ? base_ : delta_;
    if (!keyed || address.empty() || address.size() > kMaxUserEntry) return std::nullopt;
    uint32_t labels;
    uint64_t hash = hash_name(keyed->key(), address, labels);
    for (const VerdictTable* table : {delta_, base_}) {
        const Slot* slot = table ? table->find(hash, address) : nullptr;
        if (!slot) continue;
        if (slot->kind != Kind::user) return std::nullopt;
        return static_cast<Access>(slot->access);
    }
    return std::nullopt;
}

}  // namespace fedge::contract
