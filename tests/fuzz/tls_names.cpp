// The names of a certificate, from the DER of subjectAltName alone and from whole certificates. What is accepted is
// plain, and proves what it says and nothing above it.
#include <openssl/err.h>

#include <cstdint>
#include <string>

#include "dataplane/tls/library.h"
#include "dataplane/tls/names.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using tls::NameKind;

namespace {

void check(const tls::PeerNames& names) {
    fuzz::expect(names.size() <= tls::kMaxNames, "names are bounded");
    for (const tls::PeerName& name : names) {
        fuzz::expect(!name.value.empty() && name.value.size() <= 255, "a name has a length");
        for (char c : name.value)
            fuzz::expect(
                (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '*',
                "a name is a host name");
        bool wildcard = name.value.starts_with('*');
        fuzz::expect(name.value.find('*', wildcard) == std::string::npos, "a wildcard is the whole left label");
        fuzz::expect(!wildcard || name.kind == NameKind::dns, "only DNS names have wildcards");
        tls::PeerNames alone{name};
        if (name.kind == NameKind::dns && !wildcard)
            fuzz::expect(tls::proves(alone, name.value, tls::Matching::host), "a name proves itself");
        if (name.kind == NameKind::uri_sip)
            fuzz::expect(tls::proves(alone, name.value, tls::Matching::sip), "a sip domain proves itself");
        fuzz::expect(!tls::proves(alone, "x.y." + name.value, tls::Matching::xmpp), "nothing proves what is below it");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0 || size > 64 * 1024) return 0;
    tls::PeerNames names;
    std::string why;
    bool good;
    if (data[0] & 1) {
        const uint8_t* at = data + 1;
        tls::CertificatePointer certificate(d2i_X509(nullptr, &at, static_cast<long>(size - 1)));
        ERR_clear_error();
        if (!certificate) return 0;
        good = tls::read_names(certificate.get(), names, why);
        tls::subject_of(certificate.get());
    } else {
        good = tls::read_alternative_names({data + 1, size - 1}, names, why);
    }
    fuzz::expect(good == why.empty(), "a refusal says why");
    fuzz::expect(good || names.empty(), "what is refused proves nothing");
    check(names);
    return 0;
}
