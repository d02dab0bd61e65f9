// A network namespace of this thread's own, with addresses that are not loopback's on its loopback device: for tests
// that need the kernel's TCP between addresses that policy lets pass. Needs CAP_SYS_ADMIN.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace fedge::test {

class OwnNamespace {
  public:
    // Each IPv4 network as its first address; all of its /24 is local.
    explicit OwnNamespace(std::initializer_list<const char*> networks) {
        before_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        entered_ = before_ >= 0 && unshare(CLONE_NEWNET) == 0;
        if (!entered_) return;
        int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int number = 0;
        ready_ = true;
        for (const char* network : networks) {
            ifreq request{};
            std::strncpy(request.ifr_name, number++ ? "lo:1" : "lo", IFNAMSIZ - 1);
            if (number > 2) request.ifr_name[3] = static_cast<char>('0' + number - 1);
            ready_ = set(control, SIOCSIFADDR, request, request.ifr_addr, network) &&
                     set(control, SIOCSIFNETMASK, request, request.ifr_netmask, "255.255.255.0") && ready_;
            request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
            ready_ = ioctl(control, SIOCSIFFLAGS, &request) == 0 && ready_;
        }
        close(control);
    }
    ~OwnNamespace() {
        if (entered_ && setns(before_, CLONE_NEWNET) != 0) std::abort();
        if (before_ >= 0) close(before_);
    }
    OwnNamespace(const OwnNamespace&) = delete;
    OwnNamespace& operator=(const OwnNamespace&) = delete;

    bool permitted() const { return entered_; }
    bool ready() const { return ready_; }

  private:
    static bool set(int control, unsigned long what, ifreq& request, sockaddr& field, const char* address) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        inet_pton(AF_INET, address, &in.sin_addr);
        std::memcpy(&field, &in, sizeof(in));
        return ioctl(control, what, &request) == 0;
    }

    int before_ = -1;
    bool entered_ = false;
    bool ready_ = false;
};

}  // namespace fedge::test
