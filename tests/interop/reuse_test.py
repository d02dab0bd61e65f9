"""Connections that carry requests both ways (RFC 5923)."""
import threading

from support import lab as net
from support.federation import ACCESS, ALICE, BOB, ZONES, Federation
from support.sip import request
from support.transports import on_both_transports
from support.wait import wait_until


@on_both_transports
def test_connection_of_the_partner(env):
    """A partner that says alias gets requests on the connection it began; one that does not is connected to by the edge"""
    world = Federation(env, ZONES)
    accept = world.party("inside", "fe1.contoso.com").listen(net.HOST4)
    world.know("allowed domain")
    inside = accept()
    world.wait_connected()
    party = world.party("peer", "sip.partner.example")

    def message_from(partner, call, alias):
        message = request("MESSAGE", ALICE, BOB, call, body="Hello")
        message.headers = [(name, value + alias if name == "Via" else value) for name, value in message.headers]
        partner.send(message)
        inside.send(inside.next().reply(200))
        assert partner.next().status == 200

    def message_to_partner(call):
        inside.send(request("MESSAGE", BOB, ALICE, call, via="fe1.contoso.com", body="Hello"))

    # Nobody listens at the partner's: only its own connection leads there.
    partner = party.connect(net.EDGE4, ACCESS)
    message_from(partner, "plain", "")
    message_to_partner("unreachable")
    assert inside.next().status == 504
    message_from(partner, "offer", ";alias")
    message_to_partner("back")
    asked = partner.next()
    assert asked.get("Call-ID") == "back" and "alias" not in asked.get("Via"), asked.encode()
    partner.send(asked.reply(200))
    assert inside.next().status == 200

    # Gone, and now it listens: the edge connects, and offers the same. What comes back there is judged as anywhere.
    partner.close()
    wait_until(lambda: not any(row["service"] == "sip-partner" for row in env.edge.rows("connections")), 5,
               "the partner's connection to end")
    listen = party.listen(net.PEER4)

    def reached():
        message_to_partner("again")
        return inside.next().status != 504
    # The edge rests for a moment behind an attempt that failed.
    answered = threading.Event()

    def serve():
        server = listen()
        asked = server.next()
        assert ";alias" in asked.get("Via"), asked.encode()
        server.send(asked.reply(200))
        answered.server = server
        answered.set()
    threading.Thread(target=serve, daemon=True).start()
    wait_until(reached, 10, "a message to arrive on a connection of the edge")
    assert answered.wait(5)
    message_from(answered.server, "back-again", "")
