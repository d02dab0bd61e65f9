#include "dataplane/core/assembly.h"

#include <algorithm>
#include <bit>

namespace fedge::core {
namespace {

Steering steering_of(const std::vector<AssemblyPlan::Place>& places) {
    std::vector<uint16_t> media, signalling;
    for (uint16_t i = 0; i < places.size(); i++) {
        if (places[i].media) media.push_back(i);
        if (places[i].signalling) signalling.push_back(i);
    }
    return {media, signalling};
}

}  // namespace

Assembly::Assembly(const AssemblyPlan& plan, Random& random)
    : plan_(plan),
      counters(size()),
      adoption(size()),
      replies(plan.name + "replies", 64, -1),
      steering_(steering_of(plan.places)),
      quota_(plan.allocations_per_core * size()) {
    context.limits.relay_addresses = plan.relay_addresses;
    for (const auto& place : plan.places)
        context.tls_libraries.push_back(place.signalling ? std::make_shared<const tls::Library>() : nullptr);
    context.user_key = relay::UserHashKey::random(random);
    auto signalling = static_cast<uint32_t>(std::ranges::count(plan.places, true, &AssemblyPlan::Place::signalling));
    if (signalling) {
        uint32_t most = signalling * (InquiryDesk::kOnTheWay + InquiryDesk::kNewsOnTheWay);
        inquiries_ = std::make_unique<InquiryBox>(plan.name + "inquiries", std::bit_ceil(most + 1), -1);
        partners_ =
            std::make_unique<policy::DiscoveredPartners>(policy::DiscoveredPartners::Room{}, HashKey::random(random));
    }
    for (uint16_t i = 0; i < size(); i++)
        pools_.push_back(std::make_unique<port::MbufPool>(plan.name + "mbufs-" + std::to_string(i), plan.mbufs,
                                                          plan.places[i].socket));
}

port::Port& Assembly::add_port(const port::PortConfig& config) {
    std::vector<rte_mempool*> queues;
    for (auto& pool : pools_) queues.push_back(pool->get());
    ports_.push_back(std::make_unique<port::Port>(config, queues, steering_.media_cores()));
    port::Port& port = *ports_.back();
    port_pointers_.push_back(&port);
    context.ports.push_back({port.name(), port.id(), port.mac(), port.mtu(), port.tx_ipv4_checksum(),
                             port.tx_udp_checksum(), port.tx_tcp_checksum()});
    return port;
}

void Assembly::make_cores() {
    std::vector<PacketBox*> inboxes;
    std::vector<signal::SipPostBox*> post;
    for (uint16_t i = 0; i < size(); i++) {
        CoreSetup setup;
        setup.index = i;
        setup.cores = size();
        setup.cpu = plan_.places[i].cpu;
        setup.socket = plan_.places[i].socket;
        setup.media = plan_.places[i].media;
        setup.signalling = plan_.places[i].signalling ? &plan_.signalling : nullptr;
        setup.steering = &steering_;
        setup.max_allocations = plan_.allocations_per_core;
        setup.limits = context.limits;
        setup.idle = plan_.idle;
        setup.ports = port_pointers_;
        setup.pool = pools_[i].get();
        setup.quota = &quota_;
        setup.config = &adoption.slot(i);
        setup.replies = &replies;
        setup.inquiries = inquiries_.get();
        setup.partners = partners_.get();
        cores_.push_back(std::make_unique<Core>(setup, counters.core(i), clock_));
        inboxes.push_back(&cores_.back()->inbox());
        post.push_back(cores_.back()->post_box());
    }
    for (auto& core : cores_) core->connect(inboxes, post);
}

}  // namespace fedge::core
