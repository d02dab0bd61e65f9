#include "dataplane/classify/access_list.h"

#include <rte_acl.h>
#include <rte_errno.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

namespace fedge::classify {
namespace {

constexpr uint32_t kAllow = 1;
constexpr uint32_t kRefuse = 2;
constexpr uint8_t kMappedLength = 96;

// rte_acl wants a first field of one byte and then words in groups of four bytes. The byte is a wildcard: any byte of
// the address will do. Fields are found in IpAddress::octets().
struct Words {
    uint8_t first;  // octet at which the words begin
    uint8_t count;
};
constexpr Words kIpv4Words{12, 1};
constexpr Words kIpv6Words{0, 4};

bool is_ipv4(const Prefix& p) {
    return p.length >= kMappedLength && p.address.is_v4();
}

struct Rule {
    rte_acl_rule_data data;
    rte_acl_field field[5];
};

rte_acl_param parameters(const std::string& name, Words words, size_t rules) {
    rte_acl_param p{};
    p.name = name.c_str();
    p.socket_id = SOCKET_ID_ANY;
    p.rule_size = RTE_ACL_RULE_SZ(words.count + 1U);
    p.max_rule_num = static_cast<uint32_t>(rules);
    return p;
}

rte_acl_config layout(Words words) {
    rte_acl_config c{};
    c.num_categories = 1;
    c.num_fields = words.count + 1U;
    c.defs[0] = {
        .type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = 0, .input_index = 0, .offset = words.first};
    for (uint8_t i = 0; i < words.count; i++) {
        auto index = static_cast<uint8_t>(i + 1);
        c.defs[index] = {.type = RTE_ACL_FIELD_TYPE_MASK,
                         .size = 4,
                         .field_index = index,
                         .input_index = index,
                         .offset = words.first + uint32_t{4} * i};
    }
    return c;
}

// First match wins: the earlier the rule, the higher its priority.
Rule rule_of(const AccessEntry& entry, Words words, size_t position) {
    Rule rule{};
    rule.data = {.category_mask = 1,
                 .priority = static_cast<int32_t>(RTE_ACL_MAX_PRIORITY - static_cast<int64_t>(position)),
                 .userdata = entry.allow ? kAllow : kRefuse};
    for (uint8_t i = 0; i < words.count; i++) {
        int octet = words.first + 4 * i;
        rule.field[i + 1].value.u32 = load_be32(entry.source.address.octets().data() + octet);
        rule.field[i + 1].mask_range.u32 = static_cast<uint32_t>(std::clamp(entry.source.length - 8 * octet, 0, 32));
    }
    return rule;
}

[[noreturn]] void refuse(const char* step, int error) {
    throw std::runtime_error(std::string("access rules: ") + step + ": " + rte_strerror(error));
}

rte_acl_ctx* build(std::span<const AccessEntry> entries, Words words, bool ipv4) {
    size_t count = 0;
    for (const AccessEntry& e : entries) count += is_ipv4(e.source) == ipv4;
    if (count == 0) return nullptr;

    // rte_acl hands out an existing context for a name it knows, and that of the snapshot before may still be in use.
    static std::atomic<uint64_t> serial{0};
    std::string name = "access-" + std::to_string(serial.fetch_add(1));
    rte_acl_param param = parameters(name, words, count);
    rte_acl_ctx* context = rte_acl_create(&param);
    if (!context) refuse("create", rte_errno);

    int error = 0;
    for (size_t i = 0; i < entries.size() && error == 0; i++) {
        if (is_ipv4(entries[i].source) != ipv4) continue;
        Rule rule = rule_of(entries[i], words, i);
        error = rte_acl_add_rules(context, reinterpret_cast<const rte_acl_rule*>(&rule), 1);
    }
    rte_acl_config config = layout(words);
    if (error == 0) error = rte_acl_build(context, &config);
    if (error != 0) {
        rte_acl_free(context);
        refuse("build", -error);
    }
    return context;
}

// The sources of one family, side by side for rte_acl, with the bit each stands for.
struct Batch {
    const uint8_t* data[kMaxAccessBurst];
    uint8_t bit[kMaxAccessBurst];
    uint32_t count = 0;

    void add(const IpAddress& address, size_t position) {
        data[count] = address.octets().data();
        bit[count++] = static_cast<uint8_t>(position);
    }
    uint64_t refused(const rte_acl_ctx* context) {
        if (!context || count == 0) return 0;
        uint32_t results[kMaxAccessBurst];
        // Fails only on a wrong number of categories or an algorithm that the machine lacks; ours is 1 and the default.
        rte_acl_classify(context, data, results, count, 1);
        uint64_t bits = 0;
        for (uint32_t i = 0; i < count; i++)
            if (results[i] == kRefuse) bits |= uint64_t{1} << bit[i];
        return bits;
    }
};

}  // namespace

std::vector<AccessEntry> access_entries(const contract::Snapshot& snapshot, contract::Role role) {
    std::vector<AccessEntry> entries;
    if (!snapshot.access()) return entries;
    for (const contract::AccessRule* rule : *snapshot.access()) {
        if (rule->role() != role) continue;
        const contract::Prefix& source = *rule->source();
        entries.push_back({{IpAddress::v6_bytes(source.address().octets()->data()), source.length()}, rule->allow()});
    }
    return entries;
}

AccessList::AccessList(std::span<const AccessEntry> entries) {
    if (entries.size() > kMaxAccessEntries)
        throw std::invalid_argument("access rules: " + std::to_string(entries.size()) + " rules, at most " +
                                    std::to_string(kMaxAccessEntries) + " per role");
    ipv4_ = build(entries, kIpv4Words, true);
    try {
        ipv6_ = build(entries, kIpv6Words, false);
    } catch (...) {
        rte_acl_free(ipv4_);
        throw;
    }
}

AccessList::~AccessList() {
    rte_acl_free(ipv4_);
    rte_acl_free(ipv6_);
}

AccessList::AccessList(AccessList&& other) noexcept
    : ipv4_(std::exchange(other.ipv4_, nullptr)), ipv6_(std::exchange(other.ipv6_, nullptr)) {}

AccessList& AccessList::operator=(AccessList&& other) noexcept {
    std::swap(ipv4_, other.ipv4_);
    std::swap(ipv6_, other.ipv6_);
    return *this;
}

uint64_t AccessList::match(std::span<const IpAddress* const> sources) const {
    Batch ipv4;
    Batch ipv6;
    for (size_t i = 0; i < std::min(sources.size(), kMaxAccessBurst); i++)
        (sources[i]->is_v4() ? ipv4 : ipv6).add(*sources[i], i);
    return ipv4.refused(ipv4_) | ipv6.refused(ipv6_);
}

}  // namespace fedge::classify
