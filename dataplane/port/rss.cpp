#include "dataplane/port/rss.h"

#include <rte_thash.h>

#include <cstring>

#include "dataplane/base/bytes.h"

namespace fedge::port {

// rte_softrss takes words in host order, as a NIC would see them in network order.
uint32_t rss_hash(const Endpoint& source, const Endpoint& destination) {
    std::array<uint32_t, 9> words{};
    uint32_t count = 0;
    for (const IpAddress* address : {&source.address, &destination.address}) {
        auto octets = address->octets();
        for (size_t at = address->is_v4() ? 12 : 0; at < octets.size(); at += 4)
            words[count++] = load_be32(octets.data() + at);
    }
    words[count++] = uint32_t{source.port} << 16 | destination.port;
    return rte_softrss(words.data(), count, kRssKey.data());
}

}  // namespace fedge::port
