#include "dataplane/port/kernel_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace fedge::port {
namespace {

template <typename T, void (*kPut)(T*)>
struct Put {
    void operator()(T* object) const { kPut(object); }
};
using Socket = std::unique_ptr<nl_sock, Put<nl_sock, nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Put<rtnl_link, rtnl_link_put>>;
using Address = std::unique_ptr<rtnl_addr, Put<rtnl_addr, rtnl_addr_put>>;
using Route = std::unique_ptr<rtnl_route, Put<rtnl_route, rtnl_route_put>>;
using NlAddress = std::unique_ptr<nl_addr, Put<nl_addr, nl_addr_put>>;

[[noreturn]] void fail(const std::string& what, const std::string& why) {
    throw std::runtime_error("tcp.kernel-ports: " + what + ": " + why +
                             "; the dataplane must run as root, or clear tcp.kernel-ports");
}

[[noreturn]] void fail(const std::string& what) {
    fail(what, std::strerror(errno));
}

void check(const char* what, int result) {
    if (result < 0) fail(what, nl_geterror(result));
}

contract::Descriptor current_namespace() {
    contract::Descriptor descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!descriptor) fail("the network namespace");
    return descriptor;
}

Socket route_socket() {
    Socket socket(nl_socket_alloc());
    if (!socket) fail("netlink", "no memory");
    check("netlink", nl_connect(socket.get(), NETLINK_ROUTE));
    return socket;
}

void bring_up(nl_sock* socket, const char* name, uint16_t mtu) {
    rtnl_link* found = nullptr;
    check(name, rtnl_link_get_kernel(socket, 0, name, &found));
    Link link(found), change(rtnl_link_alloc());
    rtnl_link_set_flags(change.get(), IFF_UP);
    if (mtu) rtnl_link_set_mtu(change.get(), mtu);
    check(name, rtnl_link_change(socket, link.get(), change.get(), 0));
}

// Everything leaves by the device.
void add_default_route(nl_sock* socket, int family, int index) {
    nl_addr* parsed = nullptr;
    check("a route", nl_addr_parse("default", family, &parsed));
    NlAddress everywhere(parsed);
    Route route(rtnl_route_alloc());
    rtnl_route_set_scope(route.get(), RT_SCOPE_LINK);
    check("a route", rtnl_route_set_dst(route.get(), everywhere.get()));
    rtnl_nexthop* hop = rtnl_route_nh_alloc();
    rtnl_route_nh_set_ifindex(hop, index);
    rtnl_route_add_nexthop(route.get(), hop);
    check("a route", rtnl_route_add(socket, route.get(), NLM_F_CREATE));
}

}  // namespace

KernelDevice::KernelDevice(const std::string& name, uint16_t mtu) : outside_(current_namespace()) {
    if (unshare(CLONE_NEWNET) != 0) fail("a network namespace of its own");
    namespace_ = current_namespace();
    // Back again on every way out.
    struct Return {
        int descriptor;
        ~Return() { (void)setns(descriptor, CLONE_NEWNET); }
    } back{outside_.get()};

    tun_ = contract::Descriptor(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tun_) fail("/dev/net/tun");
    ifreq request{};
    name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(tun_.get(), TUNSETIFF, &request) != 0) fail("TUN device " + name);
    index_ = static_cast<int>(if_nametoindex(request.ifr_name));

    Socket socket = route_socket();
    bring_up(socket.get(), "lo", 0);
    bring_up(socket.get(), request.ifr_name, mtu);
    add_default_route(socket.get(), AF_INET, index_);
    add_default_route(socket.get(), AF_INET6, index_);
}

KernelDevice::Inside::Inside(const KernelDevice& device) : device_(device) {
    if (setns(device.namespace_.get(), CLONE_NEWNET) != 0) fail("entering the network namespace");
}

KernelDevice::Inside::~Inside() {
    (void)setns(device_.outside_.get(), CLONE_NEWNET);
}

bool KernelDevice::add_address(const IpAddress& address, std::string& error) {
    if (std::ranges::find(addresses_, address) != addresses_.end()) return true;
    Inside inside(*this);
    Socket socket = route_socket();
    bool v4 = address.is_v4();
    const uint8_t* octets = address.octets().data() + (v4 ? 12 : 0);
    NlAddress local(nl_addr_build(v4 ? AF_INET : AF_INET6, octets, v4 ? 4 : 16));
    Address request(rtnl_addr_alloc());
    rtnl_addr_set_ifindex(request.get(), index_);
    rtnl_addr_set_local(request.get(), local.get());
    rtnl_addr_set_prefixlen(request.get(), v4 ? 32 : 128);
    if (!v4) rtnl_addr_set_flags(request.get(), IFA_F_NODAD);
    if (int result = rtnl_addr_add(socket.get(), request.get(), 0); result < 0) {
        error = "the kernel does not take address " + address.text() + ": " + nl_geterror(result);
        return false;
    }
    addresses_.push_back(address);
    return true;
}

bool KernelDevice::write(Bytes packet) {
    return ::write(tun_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

size_t KernelDevice::read(MutableBytes out) {
    ssize_t n = ::read(tun_.get(), out.data(), out.size());
    return n > 0 ? static_cast<size_t>(n) : 0;
}

}  // namespace fedge::port
