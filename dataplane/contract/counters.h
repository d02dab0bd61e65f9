// The counters that the dataplane keeps per core and that control reads: one list, so that both sides agree.
//
// Layout in shared memory (memfd, written by the dataplane, mapped read-only by control): CounterHeader, then one
// CounterBlock per core. A core is the only writer of its block; readers see each 64-bit value whole.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fedge::contract {

inline constexpr uint32_t kContractVersion = 8;

// FEDGE_COUNTERS(X): X(identifier, "what it counts"). FEDGE_DROPS(X): X(identifier, "why the packet was dropped").
// Identifiers are the names that the CLI, the API and the metrics show. Append; the order is part of the contract
// version.
// clang-format off
#define FEDGE_COUNTERS(X) \
    X(rx_packets, "packets received") \
    X(rx_bytes, "bytes received") \
    X(tx_packets, "packets sent") \
    X(tx_bytes, "bytes sent") \
    X(handover_sent, "packets handed to the core that owns them") \
    X(handover_received, "packets received from other cores") \
    X(arp_requests_sent, "ARP requests and neighbour solicitations sent") \
    X(arp_replies_sent, "ARP replies and neighbour advertisements sent") \
    X(echo_replies_sent, "ICMP echo replies sent") \
    X(icmp_errors_sent, "ICMP errors sent") \
    X(icmp_errors_received, "ICMP errors received for a flow of ours") \
    X(stun_requests, "STUN and TURN requests parsed") \
    X(stun_binding, "Binding requests answered") \
    X(stun_challenges, "401 challenges sent to sources without a nonce") \
    X(stun_stale_nonce, "438 responses sent") \
    X(stun_unauthorized, "requests whose credentials were refused") \
    X(stun_bad_request, "400 responses sent") \
    X(stun_unknown_attribute, "420 responses sent") \
    X(turn_allocations_created, "allocations created") \
    X(turn_allocations_deleted, "allocations deleted by their client") \
    X(turn_allocations_expired, "allocations that ran out") \
    X(turn_allocations_disconnected, "allocations ended by the operator") \
    X(turn_refreshes, "successful refreshes") \
    X(turn_permissions, "permissions installed or refreshed") \
    X(turn_channels, "channels bound or refreshed") \
    X(turn_allocation_mismatch, "437 responses sent") \
    X(turn_wrong_credentials, "441 responses sent") \
    X(turn_forbidden_peer, "403 responses: a peer address that is not allowed") \
    X(turn_family_unsupported, "440 and 443 responses sent") \
    X(turn_transport_unsupported, "442 responses sent") \
    X(turn_user_quota, "486 responses sent") \
    X(turn_capacity, "508 responses sent") \
    X(turn_draining, "allocations refused because the edge is draining") \
    X(relay_to_peer_packets, "packets relayed from client to peer") \
    X(relay_to_peer_bytes, "application bytes relayed from client to peer") \
    X(relay_to_client_packets, "packets relayed from peer to client") \
    X(relay_to_client_bytes, "application bytes relayed from peer to client") \
    X(relay_icmp_to_client, "ICMP errors reported to clients (RFC 8656 section 11.5)") \
    X(relay_hairpin_packets, "packets from one client of this edge to the relay port of another") \
    X(streams_unmeasured_packets, "packets relayed without being measured: no record left for their stream") \
    X(tcp_segments_received, "TCP segments received") \
    X(tcp_segments_sent, "TCP segments sent") \
    X(tcp_syn_received, "requests to connect received") \
    X(tcp_accepted, "connections accepted") \
    X(tcp_connects, "connections begun from here") \
    X(tcp_connected, "connections begun from here that were established") \
    X(tcp_half_open_expired, "half-open connections that nobody completed") \
    X(tcp_cookies_sent, "SYN cookies sent") \
    X(tcp_cookies_accepted, "connections established by a SYN cookie") \
    X(tcp_cookies_refused, "acknowledgements that were no answer to a SYN cookie") \
    X(tcp_retransmits, "TCP segments sent again") \
    X(tcp_recoveries, "losses found before the retransmission timeout") \
    X(tcp_timeouts, "retransmission timeouts") \
    X(tcp_loss_probes, "tail loss probes sent") \
    X(tcp_spurious_recoveries, "reactions to a loss that was none, undone") \
    X(tcp_dsacks_received, "duplicates that peers reported") \
    X(tcp_out_of_order, "TCP segments received out of order") \
    X(tcp_window_probes, "zero-window probes sent") \
    X(tcp_keepalives_sent, "keepalive probes sent") \
    X(tcp_challenges_sent, "challenge ACKs sent (RFC 5961)") \
    X(tcp_resets_sent, "RST sent") \
    X(tcp_resets_received, "RST that ended a connection") \
    X(tcp_broken, "connections that did not end in order") \
    X(tcp_linger_limit, "connections closed here whose peer did not end them in time, or sent too much") \
    X(tcp_time_wait_evicted, "TIME-WAIT entries given up early for newer ones") \
    X(tcp_path_mtu_lowered, "path MTUs lowered") \
    X(tcp_black_holes, "paths on which full-size segments vanish") \
    X(tcp_to_kernel, "TCP packets handed to the kernel's TCP") \
    X(tcp_from_kernel, "TCP packets of the kernel's TCP sent") \
    X(turn_streams_opened, "TURN connections accepted over TCP or TLS") \
    X(turn_streams_broken, "TURN connections closed because of what came on them") \
    X(turn_tcp_allocations, "allocations of TCP created (RFC 6062)") \
    X(turn_tcp_connects, "connections to peers begun for clients (RFC 6062)") \
    X(turn_tcp_attempts, "connections of peers announced to clients (RFC 6062)") \
    X(turn_tcp_bound, "data connections bound (RFC 6062)") \
    X(turn_tcp_exists, "446 responses sent") \
    X(turn_tcp_failed, "447 responses sent") \
    X(turn_tcp_bytes_to_peer, "bytes relayed from data connections to peers (RFC 6062)") \
    X(turn_tcp_bytes_to_client, "bytes relayed from peers to data connections (RFC 6062)") \
    X(shared_turn, "connections to the shared port that turned out to be TURN") \
    X(shared_sip, "connections to the shared port that turned out to be SIP") \
    X(shared_pseudo_tls, "connections to the shared port closed: pseudo-TLS, which is not served yet") \
    X(shared_full, "connections to the shared port closed: too many whose kind is not known yet") \
    X(shared_unknown, "connections to the shared port closed: neither TLS nor STUN") \
    X(tls_accepted, "TLS handshakes completed as a server, resumed ones included") \
    X(tls_connected, "TLS handshakes completed as a client, resumed ones included") \
    X(tls_resumed, "TLS handshakes that resumed a session") \
    X(tls_tickets_refused, "session tickets that no key opens any more") \
    X(tls_handshake_steps, "handshake steps with public-key work") \
    X(tls_handshakes_deferred, "handshake steps put off to a later turn by the budget") \
    X(tls_handshake_failed, "TLS handshakes that failed") \
    X(tls_handshake_timeout, "TLS handshakes not finished in time") \
    X(tls_handshake_limit, "connections closed: too many TLS handshakes in progress") \
    X(tls_prefix_limit, "connections closed: too many TLS handshakes of their source in progress") \
    X(tls_hello_refused, "connections closed: no ClientHello, or one beyond the limits") \
    X(tls_peer_refused, "TLS peers refused because of their certificate") \
    X(tls_no_certificate, "TLS connections closed: no certificate of ours to offer") \
    X(tls_records_limit, "TLS connections closed: key updates or empty records beyond the limits") \
    X(tls_alerts_received, "TLS connections ended by an alert of the peer") \
    X(tls_broken, "TLS connections that ended without a close notification or by a damaged record") \
    X(sip_accepted, "SIP connections accepted") \
    X(sip_connects, "SIP connections begun from here") \
    X(sip_connected, "SIP connections begun from here that were established") \
    X(sip_connect_failed, "SIP connections begun from here that were not established") \
    X(sip_connect_unwelcome, "SIP connections begun from here that ended before the far end had taken our certificate") \
    X(sip_sent_again, "SIP requests sent again: nobody had read them on the connection that they were sent on") \
    X(sip_connections_full, "SIP connections refused: too many") \
    X(sip_stranger_inside, "SIP connections refused: the certificate proves no name that is trusted inside") \
    X(sip_client_limit, "SIP connections refused: too many of remote users from one source") \
    X(sip_closed_idle, "SIP connections closed because nothing came") \
    X(sip_requests, "SIP requests received") \
    X(sip_responses, "SIP responses received") \
    X(sip_requests_relayed, "SIP requests passed on") \
    X(sip_responses_relayed, "SIP responses passed on") \
    X(sip_answers, "SIP responses made here") \
    X(sip_keepalives, "SIP keepalives answered (RFC 5626)") \
    X(sip_framing, "SIP connections closed: where a message ends is in doubt, or it is too large") \
    X(sip_malformed, "SIP requests refused and responses dropped: malformed") \
    X(sip_scanners, "SIP connections closed: what came on them is known of scanners") \
    X(sip_unanswered, "SIP requests dropped without an answer: no Via to answer to") \
    X(sip_loops, "SIP requests refused: they came round in a loop, or Max-Forwards was used up") \
    X(sip_not_ours, "SIP responses dropped: the topmost Via is none of ours") \
    X(sip_token_refused, "SIP messages with a flow token that was not made here, or is too old") \
    X(sip_flow_gone, "SIP messages for a connection that is no more") \
    X(sip_unroutable, "SIP requests refused: no next hop") \
    X(sip_next_hop_failed, "SIP requests refused: the next hop could not be reached") \
    X(sip_held, "SIP requests that waited for DNS or a connection") \
    X(sip_held_full, "SIP requests refused: too many wait") \
    X(sip_held_share, "SIP requests refused: too many of the same partner wait") \
    X(sip_held_expired, "SIP requests refused: they waited too long") \
    X(sip_queue_full, "SIP messages that a slow receiver did not take") \
    X(sip_overload, "SIP requests refused: overload") \
    X(sip_fail_overs, "next hops that failed and were replaced by another") \
    X(sip_front_end_down, "times that a front end stopped answering") \
    X(sip_handed_over, "SIP messages handed to the core that has the connection") \
    X(sip_handover_full, "SIP messages dropped: the mailbox of the core that has the connection is full") \
    X(sip_filtered, "SIP messages refused by the filters of links and files") \
    X(sip_defused, "SIP messages changed by the filter of links") \
    X(sip_warned, "SIP messages that got the warning of the filter of links") \
    X(sip_registrations_limited, "SIP connections closed: too many failed registrations") \
    X(sip_dialogs_forgotten, "dialogs and transactions that the list for operators had no room for") \
    X(sip_traced, "SIP messages copied to a trace") \
    X(sip_trace_lost, "SIP messages that fitted a trace and were not copied: beyond its rate, or control is slow") \
    X(sip_tests, "tests of partners that operators asked for") \
    X(policy_delivered, "requests that federation policy let pass") \
    X(policy_federation_off, "requests refused: federation is off") \
    X(policy_not_our_domain, "requests refused: the target is no domain of ours") \
    X(policy_spoofed, "requests refused: they came from outside in the name of a domain of ours") \
    X(policy_blocked, "requests refused: the domain is blocked") \
    X(policy_provider_domain, "requests refused: the domain is not of the provider that sent them") \
    X(policy_certificate, "requests refused: the certificate does not prove the sender's domain") \
    X(policy_type_changed, "requests refused: another type of partner than the connection began with") \
    X(policy_not_allowed, "requests refused: not an allowed domain, and discovery is off or found nothing") \
    X(policy_rate, "requests refused: a discovered partner beyond its rate") \
    X(policy_contacts, "requests refused: a discovered partner beyond its number of contacts") \
    X(policy_unverified, "requests refused: the sender is not verified") \
    X(policy_user, "requests refused by the policy of the local user") \
    X(policy_other, "requests refused by federation policy for other reasons") \
    X(policy_partners_full, "requests refused: too many discovered partners at a time") \
    X(policy_questions, "domains that control was asked about") \
    X(policy_questions_full, "domains that could not be asked about: too many at a time") \
    X(policy_questions_failed, "domains about which control said nothing in time") \
    X(policy_answers, "answers and news about domains from control") \
    X(policy_answers_late, "answers that came after their time") \
    X(policy_answers_stale, "times that an answer whose time was over was used, because there was no newer one")

#define FEDGE_DROPS(X) \
    X(ether_short, "frame shorter than an Ethernet header") \
    X(ether_type, "EtherType that is not ours") \
    X(vlan_unknown, "VLAN tag of no interface") \
    X(not_for_us, "MAC or IP address that is not ours") \
    X(arp_malformed, "malformed ARP") \
    X(ipv4_malformed, "malformed IPv4 header") \
    X(ipv4_checksum, "wrong IPv4 header checksum") \
    X(ipv6_malformed, "malformed IPv6 header or extension header") \
    X(ip_options, "IPv4 source route, IPv6 routing header, or an IPv6 option that may not be ignored") \
    X(fragment, "IP fragment") \
    X(martian_source, "source address that cannot be on the wire") \
    X(spoofed_own_source, "source address is one of ours") \
    X(access_denied, "refused by an access rule") \
    X(port_closed, "no service on this port of this interface role") \
    X(protocol_closed, "IP protocol without a service") \
    X(icmp_malformed, "malformed ICMP") \
    X(icmp_rate, "ICMP beyond the rate limit") \
    X(icmp_unmatched, "ICMP error for no flow of ours") \
    X(udp_malformed, "malformed UDP") \
    X(udp_checksum, "wrong UDP checksum") \
    X(no_route, "no route to the destination") \
    X(neighbor_queue_full, "waiting for a neighbour's address, queue full") \
    X(neighbor_failed, "neighbour did not answer") \
    X(neighbor_cache_full, "neighbour cache full") \
    X(too_big, "larger than the MTU") \
    X(no_mbuf, "no packet buffer left") \
    X(tx_full, "transmit queue full") \
    X(handover_full, "mailbox of the owning core full") \
    X(no_snapshot, "no configuration published yet") \
    X(stun_malformed, "malformed STUN message") \
    X(stun_fingerprint, "wrong STUN fingerprint") \
    X(stun_not_request, "STUN response or indication that nothing here asked for") \
    X(stun_source_budget, "challenge withheld: source prefix over its unauthenticated budget") \
    X(turn_no_allocation, "data on a 5-tuple without an allocation") \
    X(turn_not_turn, "neither STUN nor ChannelData on a TURN port") \
    X(channel_malformed, "malformed ChannelData") \
    X(channel_unbound, "ChannelData on a channel that is not bound") \
    X(send_malformed, "Send indication without address or data") \
    X(no_permission, "no permission for the peer") \
    X(relay_port_unused, "packet to a relay port without an allocation") \
    X(peer_denied, "peer address that is not allowed") \
    X(bandwidth_allocation, "beyond the bandwidth of the allocation") \
    X(bandwidth_user, "beyond the bandwidth of the user") \
    X(tcp_malformed, "malformed TCP header or option") \
    X(tcp_checksum, "wrong TCP checksum") \
    X(tcp_no_connection, "TCP segment of no connection, to no listener") \
    X(tcp_no_room, "request to connect refused: no control block or buffer left") \
    X(tcp_syn_rate, "request to connect beyond the rate limit") \
    X(tcp_prefix_limit, "request to connect refused: its source has too many connections") \
    X(tcp_out_of_window, "TCP segment outside of the window") \
    X(tcp_timestamp, "TCP segment with an old timestamp, or without one (PAWS)") \
    X(tcp_blind, "RST or SYN inside the window but not exact (RFC 5961)") \
    X(tcp_bad_ack, "acknowledgement of what was not sent, or too old (RFC 5961)") \
    X(tcp_closed, "data for a user who has closed") \
    X(tcp_no_buffer, "TCP data without a buffer for it") \
    X(tcp_ranges, "out-of-order data in too many pieces") \
    X(tcp_time_wait, "TCP segment to a connection in TIME-WAIT") \
    X(tcp_icmp_not_in_flight, "ICMP error about a TCP segment that is not in flight (RFC 5927)") \
    X(tcp_not_served, "TCP segment on an edge without a signalling core") \
    X(kernel_path_full, "packet for the kernel's TCP, which does not take it") \
    X(stream_full, "data for a client whose connection has no room for it")
// clang-format on

enum class Counter : uint16_t {
#define X(name, help) name,
    FEDGE_COUNTERS(X)
#undef X
};

enum class Drop : uint16_t {
#define X(name, help) name,
    FEDGE_DROPS(X)
#undef X
};

struct CounterInfo {
    const char* name;
    const char* help;
};

inline constexpr CounterInfo kCounters[] = {
#define X(name, help) {#name, help},
    FEDGE_COUNTERS(X)
#undef X
};

inline constexpr CounterInfo kDrops[] = {
#define X(name, help) {#name, help},
    FEDGE_DROPS(X)
#undef X
};

inline constexpr size_t kCounterCount = sizeof(kCounters) / sizeof(kCounters[0]);
inline constexpr size_t kDropCount = sizeof(kDrops) / sizeof(kDrops[0]);
inline constexpr uint64_t kCounterMagic = 0x4645444745435431;  // "FEDGECT1"

struct CounterHeader {
    uint64_t magic;
    uint32_t version;  // kContractVersion
    uint32_t cores;
    uint32_t counters;
    uint32_t drops;
    uint64_t block_bytes;  // sizeof(CounterBlock)
};

struct alignas(64) CounterBlock {
    uint64_t values[kCounterCount];
    uint64_t drops[kDropCount];
};

}  // namespace fedge::contract
