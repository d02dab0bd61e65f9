"""Operating the edge while media flows: configuration, death of control, credentials, what can be seen and what not."""
import json
import os
import pathlib
import re
import time

from support import lab as net
from support import stun
from support.edge import PASSWORD, USER, CliError
from support.load import RelayLoad
from support.turn_client import TurnError
from support.wait import wait_until


def lossless(load):
    lost = load.stop()
    assert load.sent > 200, f"only {load.sent} packets were sent"
    assert lost == 0, f"{lost} of {load.sent} packets lost, longest gap {load.longest_gap * 1000:.0f} ms"


def flowing(load, packets=100):
    seen = len(load.returned)
    wait_until(lambda: len(load.returned) >= seen + packets, 10, f"{packets} more packets to come back")


def test_kill_control(env):
    """kill -9 of control during a relay loses no packet; it comes back and sees the same allocation"""
    client = env.allocation()
    load = RelayLoad(client, env.peer()).start()
    flowing(load)
    before = env.edge.rows("allocations")
    env.edge.control.kill()
    flowing(load, 400)
    client_without_control = env.allocation()
    assert client_without_control.relayed, "no allocation without control"
    assert env.edge.fedge("show", "status").returncode == 3
    env.edge.start_control()
    env.edge.wait_ready()
    flowing(load)
    after = env.edge.rows("allocations")
    assert before[0]["id"] in [row["id"] for row in after] and len(after) == 2, (before, after)
    lossless(load)


def test_commit_loses_nothing(env):
    """Twenty commits of all kinds of settings during a relay: no packet, no allocation lost"""
    client = env.allocation()
    load = RelayLoad(client, env.peer()).start()
    flowing(load)
    for i in range(5):
        env.edge.configure(quota_user=50 + i)
        env.edge.configure(lifetime_max=3600 + i)
        env.edge.cli("set", "route.198.51.100.128/25", net.ROUTER4)
        env.edge.commit()
        env.edge.cli("unset", "route.198.51.100.128/25")
        env.edge.commit()
    flowing(load)
    assert len(env.edge.rows("allocations")) == 1
    lossless(load)
    assert client.refresh().kind == stun.SUCCESS


def test_rollback(env):
    """A setting takes effect with commit and goes with rollback, both as seen on the wire and in the revisions"""
    def lifetime():
        return env.client().allocate().number(stun.LIFETIME)

    usual = lifetime()
    first = env.edge.cli("show", "status")["control"]["revision"]
    env.edge.cli("set", "turn.lifetime-default", "900")
    assert lifetime() == usual, "a setting took effect before commit"
    changes = env.edge.cli("diff")["changes"]
    assert [change["key"] for change in changes] == ["turn.lifetime-default"], changes
    second = env.edge.commit("longer lifetimes")["revision"]
    assert second > first and lifetime() == 900
    third = env.edge.cli("rollback", str(first))["revision"]
    assert third > second and lifetime() == usual
    listed = {row["revision"]: row for row in env.edge.rows("revisions")}
    assert {first, second, third} <= set(listed) and listed[second]["comment"] == "longer lifetimes"
    assert listed[second]["who"], listed[second]


def test_invalid_configuration_is_refused(env):
    """Bad values and bad combinations are refused with key and fix; what is in force stays"""
    revision = env.edge.cli("show", "status")["control"]["revision"]
    for key, value in (("turn.relay-address", "203.0.113.99"), ("turn.port-first", "70000"), ("turn.realm", ""),
                       ("interface.wan.address", "192.0.2.10/33"), ("turn.nonsense", "1"),
                       ("interface.wan.gateway", "10.9.9.9")):
        done = env.edge.fedge("set", key, value)
        if done.returncode == 0:
            done = env.edge.fedge("commit", "-m", "bad")
        assert done.returncode in (1, 2), f"{key} {value}: exit {done.returncode}: {done.stdout}{done.stderr}"
        assert key.split(".")[-1] in done.stderr, f"{key} {value}: the error does not name the key: {done.stderr}"
        env.edge.cli("discard")
    assert env.edge.cli("show", "status")["control"]["revision"] == revision
    env.allocation()


def test_drain(env):
    """Drain refuses new allocations, keeps those that exist; off lets clients in again"""
    kept = env.allocation()
    load = RelayLoad(env.allocation(), env.peer(), per_second=100).start()
    env.edge.cli("drain", "on")
    assert env.edge.cli("show", "status")["drain"] is True

    def turned_away():
        try:
            fresh = env.client()
            fresh.allocate()
            fresh.refresh(0)
            return None
        except TurnError as error:
            return error.code
    assert turned_away() in (486, 508)
    assert kept.refresh().kind == stun.SUCCESS
    flowing(load, 50)
    env.edge.cli("drain", "off")
    assert turned_away() is None
    assert load.stop() == 0


def test_disconnect(env):
    """Disconnect of a user ends that user's allocations and nobody else's"""
    env.edge.add_user("bob", PASSWORD)
    alice, bob = env.allocation(), env.allocation(user="bob")
    assert env.edge.cli("turn", "disconnect", "--user", "bob")["disconnected"] == 1
    try:
        bob.refresh()
        raise AssertionError("a disconnected allocation was refreshed")
    except TurnError as error:
        assert error.code == 437, error
    assert alice.refresh().kind == stun.SUCCESS
    row, = env.edge.rows("allocations")
    assert env.edge.cli("turn", "disconnect", "--allocation", str(row["id"]))["disconnected"] == 1
    wait_until(lambda: env.edge.rows("allocations") == [], 2, "no allocation to be left")


def test_shows_what_runs(env):
    """allocations, streams, counters, cores and interfaces agree with what was sent"""
    client = env.allocation()
    peer = env.peer()
    client.bind(0x4000, *peer.getsockname())
    before = env.edge.counter("relay_to_peer_packets")
    for i in range(100):
        if i == 50:
            continue  # one packet lost on the client's side
        rtp = b"\x80\x00" + i.to_bytes(2, "big") + (i * 160).to_bytes(4, "big") + b"\x11\x22\x33\x44" + bytes(160)
        client.send_channel(0x4000, rtp)
        time.sleep(0.005)
    wait_until(lambda: env.edge.counter("relay_to_peer_packets") == before + 99, 3, "99 relayed packets to be counted")
    allocation, = env.edge.rows("allocations")
    assert allocation["user"] == USER and allocation["to_peer_packets"] == 99, allocation
    assert allocation["client"].startswith(net.CLIENT4) and allocation["channels"] == 1, allocation
    rtp, = [row for row in env.edge.rows("streams") if row["kind"] == "rtp"]
    assert rtp["ssrc"] == 0x11223344 and rtp["payload_type"] == 0 and rtp["packets"] == 99, rtp
    assert rtp["lost"] == 1 and 0.5 < rtp["loss_percent"] < 1.5, rtp
    assert rtp["direction"] == "to-peer" and rtp["peer"].startswith(net.PEER4), rtp
    assert {row["name"] for row in env.edge.rows("interfaces")} == {"wan", "lan"}
    assert sum(row["allocations"] for row in env.edge.rows("cores")) == 1


def test_measure_off(env):
    """turn.measure off: media is relayed and no stream is listed; on again: it is"""
    client = env.allocation()
    load = RelayLoad(client, env.peer(), per_second=200)
    env.edge.configure(measure="off")
    load.start()
    flowing(load, 150)
    assert env.edge.rows("streams") == []
    env.edge.configure(measure="on")
    flowing(load, 100)
    assert env.edge.rows("streams") != []
    lossless(load)


def test_metrics(env):
    """/metrics is OpenMetrics text whose numbers move with the traffic"""
    def scrape():
        status, text = env.edge.http("/metrics")
        assert status == 200
        return text

    def value(text, name):
        found = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}(\{{|\s)", line)]
        assert found, f"{name} is not among the metrics"
        return sum(found)

    before = scrape()
    env.allocation()
    after = scrape()
    assert after.endswith("# EOF\n"), after[-80:]
    sample = re.compile(r'[a-z_][a-z0-9_]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+$')
    typed = set(re.findall(r"^# TYPE (\S+)", after, re.M))
    for line in after.splitlines():
        if not line.startswith("#"):
            assert sample.match(line), f"not a sample: {line}"
            assert re.sub(r"(_total)?(\{.*)? .*", "", line) in typed, f"no TYPE for: {line}"
    name = "fedge_turn_allocations_created_total"
    assert value(after, name) == value(before, name) + 1
    assert value(after, "fedge_up") == 1 and value(after, "fedge_turn_allocations") == 1


def test_secrets_stay_secret(env):
    """Passwords and shared secrets appear in no log, no API reply, no process list, no file that others may read"""
    password = "never-shown-4c1e"
    env.edge.add_user("carol", password)
    secret = env.edge.cli("turn", "secret", "add")
    try:
        env.allocation(user="carol", password=password)
        try:
            env.allocation(user="carol", password="wrong-never-shown-4c1e")
        except TurnError:
            pass
        seen = {path: env.edge.http(path)[1] for path in
                ("/v1/status", "/v1/config", "/v1/candidate", "/v1/revisions", "/v1/audit", "/v1/turn/users",
                 "/v1/turn/secrets", "/v1/allocations", "/v1/counters", "/metrics")}
        for log in ("control.log", "dataplane.log"):
            seen[log] = (env.edge.work / log).read_text(errors="replace")
        for process in (env.edge.control, env.edge.dataplane):
            for name in ("cmdline", "environ"):
                path = pathlib.Path(f"/proc/{process.pid}/{name}")
                seen[str(path)] = path.read_text(errors="replace")
        for place, text in seen.items():
            assert password not in text and secret["secret"] not in text, f"a secret is in {place}"
        for path in env.edge.state.rglob("*"):
            if path.is_file():
                assert path.stat().st_mode & 0o077 == 0, f"{path.name} is readable by others"
        assert any(row["who"] for row in env.edge.rows("audit")), "no audit row says who"
    finally:
        env.edge.cli("turn", "secret", "remove", str(secret["id"]))


def test_exit_codes(env):
    """0 done, 1 refused, 2 usage, 3 no control: as documented"""
    def code(*arguments):
        return env.edge.fedge(*arguments).returncode
    assert code("show", "status") == 0
    assert code("rollback", "999999") == 1
    assert code("show", "nonsense") == 2
    assert code("show", "status", "--socket", os.devnull) == 3
    env.edge.control.kill()
    assert code("show", "status") == 3


def test_candidate_survives_control(env):
    """Edits that are not committed outlive a kill -9 of control; a discard removes them"""
    env.edge.cli("set", "turn.quota-user", "77")
    env.edge.control.kill()
    env.edge.start_control()
    env.edge.wait_ready()
    assert [change["key"] for change in env.edge.cli("diff")["changes"]] == ["turn.quota-user"]
    env.edge.cli("discard")
    assert env.edge.cli("diff")["changes"] == []


def test_changes_without_a_dataplane(env):
    """Users, secrets and drain say that they are stored but not in force, with exit 4; they are when it is back"""
    env.edge.dataplane.stop()
    wait_until(lambda: not env.edge.connected(), 3, "control to notice")
    added = env.edge.fedge("turn", "user", "add", "erin", stdin=PASSWORD + "\n")
    assert added.returncode == 4 and "not in force" in added.stdout and "not connected" in added.stderr, added
    for change in (("turn", "secret", "add"), ("turn", "secret", "rotate"), ("drain", "on"), ("drain", "off")):
        done = env.edge.fedge(*change, "--json")
        reply = json.loads(done.stdout)
        assert done.returncode == 4 and reply["adopted"] is False, done
        assert reply["refused_reason"] == "the dataplane is not connected", reply
    for row in env.edge.cli("turn", "secret", "list")["rows"]:
        assert env.edge.fedge("turn", "secret", "remove", str(row["id"])).returncode == 4
    env.edge.start_dataplane()
    env.edge.wait_ready()
    env.allocation(user="erin")


def test_user_needs_no_commit(env):
    """A user added or removed takes effect at once and is no part of a rollback"""
    env.edge.add_user("dave", PASSWORD)
    env.allocation(user="dave")
    env.edge.cli("turn", "user", "remove", "dave")
    env.edge.configure(quota_user=60)
    env.edge.base_revision = env.edge.cli("rollback", str(env.edge.base_revision))["revision"]
    try:
        env.allocation(user="dave")
        raise AssertionError("rollback brought a removed user back")
    except TurnError as error:
        assert error.code == 401, error
    try:
        env.edge.cli("turn", "user", "remove", "dave")
        raise AssertionError("a user was removed twice")
    except CliError as error:
        assert error.code == 1, error
