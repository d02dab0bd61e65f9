// What an operator may import: a certificate, a revocation list, an OCSP response, or PEM of whatever. The first byte
// says which; certificates come as DER, because base64 would hide them from mutation.
#include <string_view>

#include "control/certificates/check.h"
#include "control/certificates/facts.h"
#include "control/certificates/make.h"
#include "control/certificates/pem.h"
#include "control/certificates/revocation.h"
#include "tests/fuzz/expect.h"

namespace {

using namespace fedge;
using namespace fedge::control;

constexpr int64_t kNow = 1'790'000'000;

struct Lab {
    KeyPtr key = new_key(KeyKind::ecdsa);
    CertificateList authority;
    CertificateList chain;
    StorePtr roots;

    Lab() {
        authority.push_back(make_lab_authority(*key, kNow));
        roots = store_of(authority, kNow);
        chain.push_back(issue(*authority.front(), *key, *key, {"edge.example.org"}, kNow));
        X509_up_ref(authority.front().get());
        chain.emplace_back(authority.front().get());
    }
};

void look_at(const Lab& lab, CertificateList chain) {
    for (const auto& certificate : chain) {
        CertificateFacts facts = facts_of(*certificate);
        fuzz::expect(facts.sha256.size() == 64, "a fingerprint");
        for (const auto& name : dns_names(*certificate))
            fuzz::expect(!name || name->find('\0') == std::string::npos, "no NUL in a name");
        check_authority(*certificate, kNow);
    }
    ImportCheck check = check_import(chain, *lab.key, {lab.roots.get(), kNow, true});
    for (const auto& error : check.errors)
        fuzz::expect(!error.key.empty() && !error.what.empty() && !error.fix.empty(), "a problem names field and fix");
    fuzz::expect(!check.errors.empty() || !verified_chain(chain, lab.roots.get()).empty(),
                 "what is taken leads to a root");
    read_chain(write_chain(chain), "chain");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Lab lab;
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0]) {
            case 'c': {
                const uint8_t* at = data + 1;
                CertificateList chain;
                chain.emplace_back(d2i_X509(nullptr, &at, static_cast<long>(size - 1)));
                if (chain.front()) look_at(lab, std::move(chain));
                break;
            }
            case 'l': {
                CrlPtr crl = read_crl(text);
                crl_entries(*crl);
                fuzz::expect(!check_crl(*crl, nullptr, lab.authority, kNow), "nobody but the lab signs for the lab");
                break;
            }
            case 'o': check_ocsp(text, lab.chain, kNow); break;
            case 'p': look_at(lab, read_chain(text, "chain")); break;
            case 'k': read_key(text); break;
            default: break;
        }
    } catch (const Refusal&) {
        return 0;
    }
    fuzz::expect(data[0] != 'o', "nobody but the lab answers for the lab");
    return 0;
}
