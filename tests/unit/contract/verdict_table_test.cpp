// Verdict tables that are not what they should be, and the memory that they come in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "dataplane/contract/verdict_builder.h"
#include "dataplane/contract/verdict_layout.h"
#include "dataplane/contract/verdict_memory.h"

namespace fedge::contract {
namespace {

using namespace verdict_layout;

constexpr VerdictKey kKey{3, 5, 7};
constexpr size_t kRoom = 1 << 16;

VerdictBuilder some_entries() {
    VerdictBuilder builder(kKey);
    for (int i = 0; i < 40; i++) builder.add({"d" + std::to_string(i) + ".example", Rule::allowed});
    std::string longer = std::string(60, 'l') + ".example";
    builder.add({.name = longer, .rule = Rule::blocked, .via = "edge.example"});
    builder.add({"found.example", Rule::discovered});
    builder.add_user("alice@example", Access::federation);
    builder.remove("gone.example");
    return builder;
}

struct Damage {
    const char* what;
    std::function<void(Header&, Slot*, size_t& size)> make;
    const char* error;
};

void PrintTo(const Damage& d, std::ostream* out) {
    *out << d.what;
}

Slot& first_of(Header& header, Slot* slots, const std::function<bool(const Slot&)>& is) {
    for (uint32_t i = 0; i < header.slots; i++)
        if (is(slots[i])) return slots[i];
    throw std::logic_error("no such slot");
}
Slot& occupied(Header& header, Slot* slots) {
    return first_of(header, slots, [](const Slot& s) { return s.kind == Kind::allowed; });
}
Slot& home(Header& header, Slot* slots) {
    return first_of(header, slots, [](const Slot& s) { return s.count != 0; });
}

class DamagedTable : public testing::TestWithParam<Damage> {};

TEST_P(DamagedTable, IsRefusedInWords) {
    alignas(64) static uint8_t memory[kRoom];
    std::vector<uint8_t> bytes = some_entries().build();
    ASSERT_LE(bytes.size(), kRoom);
    std::copy(bytes.begin(), bytes.end(), memory);
    size_t size = bytes.size();
    std::string error;
    ASSERT_TRUE(VerdictTable::open({memory, size}, error)) << error;
    auto& header = *reinterpret_cast<Header*>(memory);
    GetParam().make(header, reinterpret_cast<Slot*>(memory + sizeof(Header)), size);
    EXPECT_FALSE(VerdictTable::open({memory, size}, error));
    EXPECT_NE(error.find(GetParam().error), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, DamagedTable,
    testing::Values(
        Damage{"empty", [](Header&, Slot*, size_t& size) { size = 0; }, "too short"},
        Damage{"half a header", [](Header&, Slot*, size_t& size) { size = 64; }, "too short"},
        Damage{"other magic", [](Header& h, Slot*, size_t&) { h.magic++; }, "something else"},
        Damage{"other version", [](Header& h, Slot*, size_t&) { h.version++; }, "another version"},
        Damage{"one byte less", [](Header&, Slot*, size_t& size) { size--; }, "fit together"},
        Damage{"one byte more", [](Header&, Slot*, size_t& size) { size++; }, "fit together"},
        Damage{"no homes", [](Header& h, Slot*, size_t&) { h.homes = 0; }, "fit together"},
        Damage{"more homes than slots", [](Header& h, Slot*, size_t&) { h.homes = h.slots + 1; }, "fit together"},
        Damage{"absurd slots", [](Header& h, Slot*, size_t&) { h.slots = UINT32_MAX; }, "fit together"},
        Damage{"absurd texts", [](Header& h, Slot*, size_t&) { h.text_bytes = UINT64_MAX; }, "fit together"},
        Damage{"another key", [](Header& h, Slot*, size_t&) { h.key.a++; }, "wrong place"},
        Damage{"other homes", [](Header& h, Slot*, size_t&) { h.homes--; }, "damaged"},
        Damage{"deeper than it is", [](Header& h, Slot*, size_t&) { h.max_labels++; }, "impossible depth"},
        Damage{"flatter than it is", [](Header& h, Slot*, size_t&) { h.max_labels--; }, "impossible depth"},
        Damage{"least depth", [](Header& h, Slot*, size_t&) { h.min_labels++; }, "impossible depth"},
        Damage{"one entry more", [](Header& h, Slot*, size_t&) { h.entries[1]++; }, "wrong number"},
        Damage{"unknown kind", [](Header& h, Slot* s, size_t&) { occupied(h, s).kind = Kind{kKinds}; }, "unknown kind"},
        Damage{"no name", [](Header& h, Slot* s, size_t&) { occupied(h, s).name_length = 0; }, "impossible length"},
        Damage{"too long", [](Header& h, Slot* s, size_t&) { occupied(h, s).name_length = 257; }, "impossible length"},
        Damage{"name outside",
               [](Header& h, Slot* s, size_t&) {
                   Slot& slot = first_of(h, s, [](const Slot& x) { return x.name_length > kInlineName; });
                   auto offset = static_cast<uint32_t>(h.text_bytes - slot.name_length + 1);
                   std::memcpy(slot.name, &offset, sizeof(offset));
               },
               "outside"},
        Damage{"name far outside",
               [](Header& h, Slot* s, size_t&) {
                   std::memset(first_of(h, s, [](const Slot& x) { return x.name_length > kInlineName; }).name, 255, 4);
               },
               "outside"},
        Damage{"server outside",
               [](Header& h, Slot* s, size_t&) {
                   first_of(h, s, [](const Slot& x) { return x.via_length != 0; }).via = UINT32_MAX;
               },
               "outside"},
        Damage{"server too long",
               [](Header& h, Slot* s, size_t&) {
                   first_of(h, s, [](const Slot& x) { return x.via_length != 0; }).via_length = 300;
               },
               "impossible length"},
        Damage{"verification", [](Header& h, Slot* s, size_t&) { occupied(h, s).verification = Verification{3}; },
               "impossible properties"},
        Damage{"purpose", [](Header& h, Slot* s, size_t&) { occupied(h, s).purpose = Purpose{3}; },
               "impossible properties"},
        Damage{"mode", [](Header& h, Slot* s, size_t&) { occupied(h, s).srv_mode = SrvMode{3}; },
               "impossible properties"},
        Damage{"flags", [](Header& h, Slot* s, size_t&) { occupied(h, s).flags = 4; }, "impossible properties"},
        Damage{"access of a domain", [](Header& h, Slot* s, size_t&) { occupied(h, s).access = 1; },
               "impossible properties"},
        Damage{"other tag", [](Header& h, Slot* s, size_t&) { occupied(h, s).tag++; }, "wrong place"},
        Damage{"other letter", [](Header& h, Slot* s, size_t&) { occupied(h, s).name[0]++; }, "wrong place"},
        Damage{"a range shifted", [](Header& h, Slot* s, size_t&) { home(h, s).first++; }, "damaged"},
        Damage{"a range shorter", [](Header& h, Slot* s, size_t&) { home(h, s).count--; }, "wrong place"},
        Damage{"a range longer", [](Header& h, Slot* s, size_t&) { home(h, s).count++; }, "damaged"},
        Damage{"a range far away", [](Header& h, Slot* s, size_t&) { home(h, s).first = 255; }, "damaged"},
        Damage{"a range of an empty home",
               [](Header& h, Slot* s, size_t&) {
                   first_of(h, s, [](const Slot& x) { return x.count == 0 && x.kind == Kind::empty; }).count = 1;
               },
               "damaged"},
        Damage{"an entry erased", [](Header& h, Slot* s, size_t&) { occupied(h, s).kind = Kind::empty; }, "holes"}));

TEST(VerdictTable, LooksUpSafelyInWhateverItOpens) {
    alignas(64) static uint8_t memory[kRoom];
    std::vector<uint8_t> bytes = some_entries().build();
    std::mt19937 random(1);
    int opened = 0;
    for (int round = 0; round < 20000; round++) {
        std::copy(bytes.begin(), bytes.end(), memory);
        for (unsigned flips = random() % 4; flips-- > 0;)
            memory[random() % bytes.size()] ^= static_cast<uint8_t>(1 << random() % 8);
        std::string error;
        auto table = VerdictTable::open({memory, bytes.size()}, error);
        if (!table) continue;
        opened++;
        Verdicts verdicts(&*table, &*table);
        for (const char* name : {"d1.example", "a.b.c.d39.example", "found.example", "alice@example"}) {
            DomainVerdict v = verdicts.domain(name);
            EXPECT_LE(v.entry.size() + v.via.size(), bytes.size());
            verdicts.user(name);
        }
    }
    EXPECT_GT(opened, 1000) << "flips that do no harm, or none";
}

TEST(VerdictMemory, MapsWhatTheBuilderSealed) {
    std::string error;
    auto memory = VerdictMemory::map(some_entries().build_sealed(), error);
    ASSERT_TRUE(memory) << error;
    EXPECT_EQ(memory->table().domains(), 42U);
    EXPECT_EQ(memory->table().users(), 1U);
    EXPECT_EQ(Verdicts(&memory->table(), nullptr).domain("a.d7.example").entry, "d7.example");
}

TEST(VerdictMemory, RefusesMemoryThatCouldStillChange) {
    std::string error;
    EXPECT_FALSE(VerdictMemory::map(Descriptor(), error));
    EXPECT_NE(error.find("did not arrive"), std::string::npos);
    std::vector<uint8_t> bytes = some_entries().build();
    Descriptor open(memfd_create("verdict-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(write(open.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(fcntl(open.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    EXPECT_FALSE(VerdictMemory::map(open, error));
    EXPECT_NE(error.find("not sealed"), std::string::npos);
    ASSERT_EQ(fcntl(open.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT_TRUE(VerdictMemory::map(open, error)) << error;
}

TEST(VerdictMemory, RefusesEmptyMemory) {
    Descriptor empty(memfd_create("verdict-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(fcntl(empty.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    std::string error;
    EXPECT_FALSE(VerdictMemory::map(empty, error));
    EXPECT_NE(error.find("no size"), std::string::npos);
}

}  // namespace
}  // namespace fedge::contract
