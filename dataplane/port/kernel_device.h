// The exception path: a TUN device in a network namespace of its own, in which the kernel's TCP serves for us what it
// is given packet by packet. The namespace holds nothing but this device and the addresses of the listeners, so that
// nothing of the machine is reached through it and the machine's own addresses and routes stay as they are.
//
// Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/contract/channel.h"

namespace fedge::port {

class KernelDevice {
  public:
    // Throws std::runtime_error that names the fix.
    KernelDevice(const std::string& name, uint16_t mtu);

    // Within the namespace as long as it lives: for the calls that make sockets. Two system calls.
    class Inside {
      public:
        explicit Inside(const KernelDevice& device);
        ~Inside();
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

      private:
        const KernelDevice& device_;
    };

    // What the kernel is to take for its own. What it has already is no error; false with `error` when it refuses.
    bool add_address(const IpAddress& address, std::string& error);

    // An IP packet for the kernel. False: it does not take it now.
    bool write(Bytes packet);
    // An IP packet of the kernel into `out`; its length, 0 when there is none.
    size_t read(MutableBytes out);

  private:
    contract::Descriptor outside_;    // namespace of the process
    contract::Descriptor namespace_;  // ours
    contract::Descriptor tun_;
    int index_ = 0;
    std::vector<IpAddress> addresses_;
};

}  // namespace fedge::port
