// Secrets in copies of SIP messages: whatever stands around them, and wherever the copy was cut, none of those that
// masking.h names is left; lengths and lines stay. Arbitrary octets are survived.
#include "dataplane/sip/masking.h"

#include <array>
#include <string>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

// '@': the secret. '#': words of the fuzzer, without what would end the place that they stand in.
constexpr std::array kHeaders{
    "Authorization: Digest username=\"#\", response=\"@\", realm=\"#\"",
    "authorization : DIGEST nonce=@, uri=\"#\"",
    "Proxy-Authorization: Digest realm=\"#\",\r\n\tcnonce=\"@\"",
    "PROXY-AUTHORIZATION: NTLM qop=\"auth\", gssapi-data=\"@\"",
    "Proxy-Authorization: Kerberos response=\"@\",nc=1",
    "Authorization: Basic @",
    "Authorization: # @",
    "Authorization: Digest #=\"#\", @",
    "WWW-Authenticate: Digest opaque=\"@\", stale=true",
    "Proxy-Authenticate: TLS-DSK gssapi-data=\"@\", targetname=\"#\"",
    "Authentication-Info: rspauth=\"@\", nc=1",
    "Proxy-Authentication-Info: nextnonce=\"@\"",
    "Contact: \"#\" <sip:#:@@192.0.2.1:5060>;q=1",
    "f: <sips:#:@@example.com;transport=tls>",
};
constexpr std::array kBodies{
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:@|2^31|1:1",
    "A=Crypto:2 AES_CM_128_HMAC_SHA1_32 INLINE:@;inline:#",
    "a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:@",
    "a=ice-pwd:@",
    "a=key-mgmt:mikey @",
    "k=base64:@",
    "K=clear:@",
    "a=candidate:# 1 @ UDP 0.9 192.0.2.1 5000",
    "<credentials><username>#</username><password>@</password></credentials>",
    "<m:Password>@</m:Password>",
    "Proxy-Authorization: Digest username=\"#\", response=\"@\"",
    "Content-Transfer-Encoding: base64\r\n\r\n@",
    "Content-Encoding: gzip\r\n#\r\n@",
    "c=IN IP4 192.0.2.1\r\na=# <sip:#:@@example.com>",
};
constexpr std::array kOthers{"Via: SIP/2.0/TLS #", "Subject: #", "#: #", "X: #\r\n #", "Content-Type: #"};

class Choices {
  public:
    explicit Choices(Bytes bytes) : bytes_(bytes) {}
    uint8_t next() {
        if (bytes_.empty()) return 0;
        uint8_t one = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return one;
    }
    // Nothing of the alphabet of secrets, and nothing that ends a line, word, quoted string, element or list.
    std::string words() {
        static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz-._~!*'()[]{}$&+/?%^|\x80\xff";
        std::string out;
        for (uint8_t n = next() % 12; out.size() < n;) out += kLetters[next() % kLetters.size()];
        return out.empty() ? "w" : out;
    }

  private:
    Bytes bytes_;
};

std::string filled(std::string_view form, const std::string& secret, Choices& choices) {
    std::string out;
    bool placed = false;
    for (char c : form) {
        if (c == '#') {
            out += choices.words();
        } else if (c == '@' && !placed) {  // the second is that of a URI
            out += secret;
            placed = true;
        } else {
            out += c;
        }
    }
    return out;
}

void check(const std::string& text, const std::string& secret) {
    std::string masked = text;
    sip::mask_secrets(masked);
    for (size_t i = 0; i < text.size(); i++) {
        expect(masked[i] == text[i] || masked[i] == '*', "octets stay or are hidden");
        if (text[i] == '\r' || text[i] == '\n') expect(masked[i] == text[i], "lines stay");
    }
    // Two letters of it in a row are too much.
    for (size_t i = 0; i + 2 <= secret.size(); i++)
        expect(masked.find(secret.substr(i, 2)) == std::string::npos, "no secret is left");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    check(std::string(reinterpret_cast<const char*>(data), size), "");
    if (size > 200) return 0;
    Choices choices{{data, size}};
    std::string secret;
    for (int i = 0; i < 8; i++) secret += "ZQ70916358"[choices.next() % 10];
    // Digits stand elsewhere, too: each pair of the secret has a letter that does not.
    for (size_t i = 0; i < secret.size(); i += 2) secret[i] = i % 4 ? 'Q' : 'Z';
    auto others = [&] {
        std::string out;
        for (int n = choices.next() % 3; n > 0; n--)
            out += filled(kOthers[choices.next() % kOthers.size()], "", choices) + "\r\n";
        return out;
    };
    std::string text = "INVITE sip:w SIP/2.0\r\n" + others();
    bool in_body = choices.next() % 2;
    if (!in_body) text += filled(kHeaders[choices.next() % kHeaders.size()], secret, choices) + "\r\n";
    text += others() + "\r\n";
    if (in_body) text += "v=0\r\n" + filled(kBodies[choices.next() % kBodies.size()], secret, choices) + "\r\n";
    for (size_t cut = 0; cut <= text.size(); cut++) check(text.substr(0, cut), secret);
    return 0;
}
