// Decorated names. Input: a user, a new line, a domain. What is wrapped is read back exactly; what is read back would
// be wrapped the same.
#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/policy/decoration.h"
#include "tests/fuzz/expect.h"

using namespace fedge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const policy::Provider provider = [] {
        policy::Provider p;
        p.decoration_domain = p.decoration_routing_domain = "msn.com";
        p.decoration_excluded = {"outlook.com", "hotmail.com"};
        return p;
    }();
    std::string_view text(reinterpret_cast<const char*>(data), size);
    size_t end = text.find('\n');
    policy::Account account{text.substr(0, end), end == std::string_view::npos ? "" : text.substr(end + 1)};
    std::array<char, policy::kMaxAddress> buffer;
    auto decoration = policy::decorate(provider, account, buffer);
    if (decoration.result == policy::Decorated::wrapped) {
        size_t at = decoration.address.rfind('@');
        auto back = policy::undecorate(provider, {decoration.address.substr(0, at), decoration.address.substr(at + 1)});
        fuzz::expect(back && *back == account, "what is wrapped is read back");
    }
    if (auto inner = policy::undecorate(provider, {account.user, "msn.com"})) {
        auto again = policy::decorate(provider, *inner, buffer);
        fuzz::expect(again.result != policy::Decorated::unchanged, "only foreign accounts are read back");
        if (again.result == policy::Decorated::wrapped)
            fuzz::expect(again.address.substr(0, again.address.rfind('@')) == account.user, "and wrapped the same");
    }
    return 0;
}
