# The second half of scripts/quickstart: two organisations federate through the edge. To be sourced there.
# shellcheck shell=bash
#
#   alice@partner.example                                              bob@contoso.com
#   sipp -> Kamailio 203.0.113.2 -- TLS 5061 -> fedge -- TLS 5061 -> Kamailio 192.0.2.140 -> sipp
#
# The servers' configuration and the users' scenarios are those of the tests (tests/support/peers).

sip=$run/sip
peers=$FEDGE_ROOT/tests/support/peers
access_name=access.contoso.com
inside_name=edge.contoso.com

# issue NAME: key and certificate of a server, signed by an authority of the laboratory that is not the edge's.
issue() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$sip/$1.key"
    openssl req -new -key "$sip/$1.key" -subj "/CN=$1" |
        openssl x509 -req -CA "$sip/root.pem" -CAkey "$sip/root.key" -days 30 -out "$sip/$1.pem" -extfile <(
            printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:%s\n' "$1"
        ) 2>/dev/null
}

# sip_server HOST NAME DOMAIN ADDRESS EDGE EDGE_NAME: Kamailio of an organisation.
sip_server() {
    local file
    for file in kamailio.cfg kamailio-tls.cfg; do
        sed -e "s#@NAME@#$2#; s#@DOMAIN@#$3#; s#@ADDRESS@#$4#; s#@EDGE@#$5#; s#@EDGE-NAME@#$6#" \
            -e "s#@LOCAL@#127.0.0.1#; s#@PASSWORD@#none#; s#@TLS@#$sip/$2-kamailio-tls.cfg#" \
            -e "s#@KEY@#$sip/$2.key#; s#@CERTIFICATE@#$sip/$2.pem#; s#@ROOT@#$sip/trusted.pem#" \
            "$peers/$file" >"$sip/$2-$file"
    done
    mkdir -p "$sip/$2"
    start "$1" "kamailio-$1" kamailio -DD -E -m 64 -M 8 -f "$sip/$2-kamailio.cfg" -P "$sip/$2.kamailio-pid" -Y "$sip/$2" -w "$sip/$2"
}
listens() { "$FEDGE_ROOT/scripts/lab" shell "$1" ss -Hnlut | grep -q ":$2 "; }
front_end_connected() { fedge show connections --json | tr -d ' \n' | grep -q '"service":"sip-front-end".*"tls_version":"TLS'; }

# users HOST SCENARIO HOST SENDER RECEIVER COUNT: sipp at the first host takes what sipp at the second one sends; fails
# unless all went as the scenario says.
users() {
    local log=$sip/users.log
    start "$1" sipp sipp -sf "$peers/$2-answered.xml" -i 127.0.0.1 -p 5070 -nostdin
    wait_for 5 listens "$1" 5070 || fail "sipp does not start: $(tail -n 3 "$run/sipp.log")"
    timeout 30 "$FEDGE_ROOT/scripts/lab" shell "$3" sipp -sf "$peers/$2.xml" -i 127.0.0.1 -nostdin -m "$6" -d 300 \
        -key sender "$4" -key receiver "$5" 127.0.0.1:5060 >"$log" 2>&1 </dev/null ||
        { tail -n 25 "$log" >&2; fail "$2 from $4 to $5 did not go through"; }
    stop_pid "$(cat "$run/sipp.pid")"
    rm -f "$run/sipp.pid"
    step "federation: $2 from $4 to $5: $6 of $6 went through"
}

adopted() { fedge show status --json | tr -d ' \n' | grep -q '"adopted":true'; }
# shown_commit WORDS: as `shown commit -m WORDS`; a dataplane whose CPU others use may take its time.
shown_commit() {
    local status
    printf '        $ fedge commit -m %s\n' "$1"
    fedge commit -m "$1" 2>&1 | sed 's/^/        /'
    status=${PIPESTATUS[0]}
    [ "$status" -eq 0 ] || [ "$status" -eq 4 ] || fail "fedge commit was refused"
    wait_for 30 adopted || fail "the dataplane does not adopt the configuration"
}

# refused HOST SENDER RECEIVER: sends a message and shows what the sender is answered.
refused() {
    local errors=$sip/refused.errors
    rm -f "$errors"
    if timeout 15 "$FEDGE_ROOT/scripts/lab" shell "$1" sipp -sf "$peers/message.xml" -i 127.0.0.1 -nostdin -m 1 -trace_err \
        -error_file "$errors" -key sender "$2" -key receiver "$3" 127.0.0.1:5060 >"$sip/users.log" 2>&1 </dev/null; then
        fail "a message from $2 to $3 went through"
    fi
    grep -aoE "SIP/2.0 [0-9]+ .*|^ms-diagnostics-public: .*" "$errors" | tr -d '\r' | sed 's/^/        /' ||
        fail "the message from $2 to $3 was not answered"
}

federation() {
    step "federation: certificates: the edge proves its names, and trusts the authority of the others"
    mkdir -p "$sip"
    openssl ecparam -name prime256v1 -genkey -noout -out "$sip/root.key"
    openssl req -x509 -new -key "$sip/root.key" -subj "/CN=Authority of the partners" -days 30 -out "$sip/root.pem"
    issue fe1.contoso.com
    issue sip.partner.example
    cat "$sip/root.pem" "$run/lab-ca.pem" >"$sip/trusted.pem"
    shown cert generate sip "$access_name" "$inside_name"
    shown cert trust add partners --file "$sip/root.pem"

    step "federation: DNS (Knot) says where partner.example is; Kamailio serves both organisations"
    mkdir -p "$sip/knot"
    cat >"$sip/partner.example.zone" <<ZONE
\$ORIGIN partner.example.
\$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_sipfederationtls._tcp SRV 0 0 5061 sip
sip A 203.0.113.2
ZONE
    cat >"$sip/knot.conf" <<KNOT
server:
    rundir: "$sip/knot"
    user: root:root
    listen: 127.0.0.1@5300
database:
    storage: "$sip/knot"
template:
  - id: default
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: partner.example
    file: "$sip/partner.example.zone"
KNOT
    start edge knotd knotd -c "$sip/knot.conf"
    sip_server peer sip.partner.example partner.example 203.0.113.2 192.0.2.10 "$access_name"
    sip_server inside fe1.contoso.com contoso.com 192.0.2.140 192.0.2.130 "$inside_name"
    # It asks for the name of this machine when it starts, and here no DNS server answers: 10 s and more if /etc/hosts has none.
    wait_for 30 listens peer 5061 || fail "the partner's Kamailio does not start: $(tail -n 5 "$run/kamailio-peer.log")"
    wait_for 30 listens inside 5061 || fail "our Kamailio does not start: $(tail -n 5 "$run/kamailio-inside.log")"

    step "federation: where SIP is served, who we are, whom we talk to"
    shown set sip.listen 192.0.2.10:5061 192.0.2.130:5061
    shown set sip.outside-name "$access_name"
    shown set sip.inside-name "$inside_name"
    shown set front-end.fe1.host fe1.contoso.com
    shown set front-end.fe1.address 192.0.2.140
    shown set federation.enabled on
    shown set federation.domain contoso.com
    shown set federation.access-name "$access_name"
    shown set policy.global.federation on
    shown set dns.server 127.0.0.1:5300
    shown set dns.dnssec off
    note "Partners are not looked for at documentation addresses, which this laboratory has, unless we say so:"
    shown set discovery.allow-address 203.0.113.0/24
    shown allow domain partner.example --verification always-verifiable
    shown_commit federation
    wait_for 15 front_end_connected || fail "the edge does not reach our Kamailio"

    users inside message peer alice@partner.example bob@contoso.com 10
    users peer message inside bob@contoso.com alice@partner.example 10
    users inside call peer alice@partner.example bob@contoso.com 3
    users peer call inside bob@contoso.com alice@partner.example 3
    note "The connections that they went over, two to each server, one begun by either side:"
    shown show connections
    step "federation: what is refused. Somebody at the partner's sends as eve@contoso.com, and is answered:"
    refused peer eve@contoso.com bob@contoso.com
    note "Why is that? The edge walks its rules, as it did for the message:"
    shown_refused explain federation eve@contoso.com bob@contoso.com --inbound --cert sip.partner.example
    note "The same for a message of ours to a domain that nobody has allowed:"
    refused inside bob@contoso.com carol@stranger.example
    shown_refused explain federation bob@contoso.com carol@stranger.example
    # For the person who looks around afterwards.
    start inside sipp sipp -sf "$peers/message-answered.xml" -i 127.0.0.1 -p 5070 -nostdin
}
