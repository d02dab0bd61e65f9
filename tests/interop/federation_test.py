"""Federation between organisations whose servers are Kamailio and whose users are sipp and phones of the test."""
from support.federation import ALICE, BOB, ZONES, PARTNERS, Federation
from support.phone import Dialog
from support.sip_server import USERS_PORT
from support.transports import on_both_transports


def exchange(sender, receiver, addresses, messages=20, calls=10):
    """Messages and calls with a second INVITE, as sipp has them, from one server's users to the other's."""
    for scenario, count, pause in (("message", messages, 0), ("call", calls, 200)):
        answering = receiver.answers(scenario)
        sender.calls(scenario, *addresses, count, pause=pause).finish()
        answering.stop()


@on_both_transports
def test_partners_of_every_kind(env):
    """Messages and calls both ways with an allowed server, allowed domain, discovered partner, provider, default route"""
    world = Federation(env, ZONES)
    ours = world.front_end()
    base = env.edge.commit("no partner yet")["revision"]
    world.wait_connected()
    for kind in PARTNERS:
        name, domain = world.know(kind)
        partner = world.partner(name, domain)
        exchange(partner, ours, (f"alice@{domain}", BOB))
        exchange(ours, partner, (BOB, f"alice@{domain}"))
        partner.stop()
        env.edge.cli("rollback", str(base), "--weaker")


def servers(env):
    """(front end, partner)."""
    world = Federation(env, ZONES)
    both = world.front_end(), world.partner(*world.know("allowed domain"))
    world.wait_connected()
    return both


def phones(ours, partner):
    return ours.phone(BOB, USERS_PORT), partner.phone(ALICE, USERS_PORT)


def establish(caller, callee, reliably=False):
    """(dialog of the caller, dialog of the callee)."""
    invite = caller.request("INVITE", callee.address, headers=[("Supported", "100rel")])
    caller.send(invite)
    asked = callee.next()
    assert asked.method == "INVITE", asked.encode()
    if reliably:
        callee.send(asked.reply(183, ("Contact", callee.contact), ("Require", "100rel"), ("RSeq", "1")))
        early = caller.next()
        assert early.status == 183, early.encode()
        Dialog.calling(caller, early).send("PRACK", headers=[("RAck", "1 1 INVITE")])
        prack = callee.next()
        assert prack.method == "PRACK", prack.encode()
        callee.send(prack.reply(200))
        assert caller.next().get("CSeq").endswith("PRACK")
    else:
        callee.send(asked.reply(180, ("Contact", callee.contact)))
        assert caller.next().status == 180
    answered = asked.reply(200, ("Contact", callee.contact))
    callee.send(answered)
    answer = caller.next()
    assert answer.status == 200, answer.encode()
    calling = Dialog.calling(caller, answer)
    calling.send("ACK", cseq=1)
    assert callee.next().method == "ACK"
    return calling, Dialog.called(callee, asked, answered)


def within(dialog, other, method, headers=()):
    """A request within a dialog, and the answer."""
    dialog.send(method, headers=headers)
    asked = other.next()
    assert asked.method == method, asked.encode()
    other.send(asked.reply(200, ("Contact", other.contact)))
    answer = dialog.phone.next()
    assert answer.status == 200, answer.encode()
    if method == "INVITE":
        dialog.send("ACK", cseq=int(asked.get("CSeq").split()[0]))
        assert other.next().method == "ACK"


def dialogs(bob, alice):
    for caller, callee in ((alice, bob), (bob, alice)):
        calling, called = establish(caller, callee, reliably=True)
        for method, headers in (("INFO", ()), ("UPDATE", ()), ("INVITE", ()),
                                ("REFER", [("Refer-To", "<sip:carol@third.example>")])):
            within(calling, callee, method, headers)
            within(called, caller, method, headers)
        within(called, caller, "BYE")

        invite = caller.request("INVITE", callee.address)
        caller.send(invite)
        asked = callee.next()
        callee.send(asked.reply(180, ("Contact", callee.contact)))
        assert caller.next().status == 180
        caller.send(caller.cancel(invite))
        cancel = callee.next()
        assert cancel.method == "CANCEL", cancel.encode()
        callee.send(cancel.reply(200))
        callee.send(asked.reply(487))
        assert sorted((caller.next().status, caller.next().status)) == [200, 487]
        assert callee.next().method == "ACK"


def subscriptions(bob, alice):
    for watcher, watched in ((alice, bob), (bob, alice)):
        event = [("Event", "presence"), ("Expires", "600")]
        watcher.send(watcher.request("SUBSCRIBE", watched.address, headers=event))
        asked = watched.next()
        assert asked.method == "SUBSCRIBE", asked.encode()
        answered = asked.reply(200, ("Contact", watched.contact), ("Expires", "600"))
        watched.send(answered)
        answer = watcher.next()
        assert answer.status == 200, answer.encode()
        watching, notifying = Dialog.calling(watcher, answer), Dialog.called(watched, asked, answered)
        active = [("Event", "presence"), ("Subscription-State", "active;expires=600")]
        within(notifying, watcher, "NOTIFY", active)
        within(watching, watched, "SUBSCRIBE", event)
        within(notifying, watcher, "NOTIFY", active)
        within(watching, watched, "SUBSCRIBE", [("Event", "presence"), ("Expires", "0")])
        within(notifying, watcher, "NOTIFY", [("Event", "presence"), ("Subscription-State", "terminated")])


@on_both_transports
def test_dialogs(env):
    """Both ways: PRACK, INFO, UPDATE, re-INVITE and REFER by either side, BYE by the callee; a call that is given up"""
    dialogs(*phones(*servers(env)))


@on_both_transports
def test_subscriptions(env):
    """Both ways: SUBSCRIBE, NOTIFY, a refreshed subscription, its end"""
    subscriptions(*phones(*servers(env)))
