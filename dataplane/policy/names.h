// Names of domains and hosts as policy compares them: A-labels (RFC 5890 section 2.3.2.1) in lower case, without a
// final dot. Checked once, then a type that cannot be wrong. U-labels are turned into A-labels by control; a core never
// sees one that it would accept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fedge::policy {

// Lives where it stands: no heap.
class Domain {
  public:
    static constexpr size_t kMaxLength = 253;  // RFC 1035 section 2.3.4, as text
    static constexpr size_t kMaxLabel = 63;

    // Empty; names nothing.
    Domain() = default;
    // Letters, digits and inner hyphens in labels of 1 to 63. Capitals become small, one final dot goes. Nothing for
    // all else, and for what has no letter in its last label: that is an IPv4 address, not a name (RFC 3696 section 2).
    static std::optional<Domain> parse(std::string_view text);

    std::string_view view() const { return {text_.data(), length_}; }
    bool empty() const { return length_ == 0; }
    friend bool operator==(const Domain& a, const Domain& b) { return a.view() == b.view(); }

  private:
    std::array<char, kMaxLength> text_;
    uint8_t length_ = 0;
};

// Whether `name` is `suffix` or stands below it. On label borders: example.com does not cover notexample.com.
bool covers(std::string_view suffix, std::string_view name);

// The namespace rule for SRV targets: `host` is `domain` itself or a direct child of it; otherwise ms-diagnostics 1009.
bool in_namespace(std::string_view host, std::string_view domain);

}  // namespace fedge::policy
