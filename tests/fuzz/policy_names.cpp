// Names of domains, the rules that compare them, and certificate names that are held against them. Input: lines; the
// first two are names to compare, the others names of a certificate, the first character telling their kind.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/policy/names.h"
#include "dataplane/policy/peer.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using policy::Domain;
using tls::NameKind;

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (lines.size() < 40) {
        size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

void check_domain(const Domain& domain) {
    std::string_view name = domain.view();
    fuzz::expect(!name.empty() && name.size() <= Domain::kMaxLength, "a name has a length");
    for (char c : name)
        fuzz::expect((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.',
                     "letters, digits, hyphens");
    auto again = Domain::parse(name);
    fuzz::expect(again && *again == domain, "a name is itself");
    fuzz::expect(policy::covers(name, name) && policy::in_namespace(name, name), "a name covers itself");
    fuzz::expect(!policy::covers(name, "x" + std::string(name)), "only on label borders");
}

void check_pair(const Domain& a, const Domain& b) {
    bool covers = policy::covers(a.view(), b.view());
    fuzz::expect(!covers || b.view() == a.view() || b.view().ends_with("." + std::string(a.view())),
                 "what is covered ends with it");
    fuzz::expect(!policy::in_namespace(b.view(), a.view()) || covers, "the namespace is part of what is covered");
    if (covers && policy::covers(b.view(), a.view())) fuzz::expect(a == b, "two that cover each other are one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > 8192) return 0;
    auto lines = lines_of({reinterpret_cast<const char*>(data), size});
    auto a = Domain::parse(lines[0]);
    if (a) check_domain(*a);
    auto b = lines.size() > 1 ? Domain::parse(lines[1]) : std::nullopt;
    if (b) check_domain(*b);
    if (a && b) check_pair(*a, *b);

    tls::PeerNames names;
    bool sip_uri = false;
    for (size_t i = 2; i < lines.size(); i++) {
        if (lines[i].empty()) continue;
        auto kind = static_cast<NameKind>(static_cast<uint8_t>(lines[i][0]) % 5);
        sip_uri |= kind == NameKind::uri_sip;
        names.push_back({kind, std::string(lines[i].substr(1))});
    }
    if (!a) {
        if (lines[0].size() > Domain::kMaxLength + 1)
            fuzz::expect(!tls::proves(names, lines[0], tls::Matching::sip), "what is no name is not proved");
        return 0;
    }
    policy::Config config;
    policy::Peer peer(config, names, {});
    bool exact = false;
    for (const auto& one : names)
        exact |= one.value == a->view() && one.kind != NameKind::srv_id && one.kind != NameKind::xmpp_addr;
    fuzz::expect(peer.proves_host(a->view()) == exact, "a server is proved by its very name");
    fuzz::expect(!peer.proves_domain(a->view()) || exact, "a SIP domain is proved by its very name");
    fuzz::expect(sip_uri || peer.proves_domain(a->view()) == exact,
                 "... and by that, where no sip URI stands before it");
    return 0;
}
