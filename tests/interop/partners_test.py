"""Partners as an operator keeps them: lists, policies, providers, files of a million, and control killed in the middle."""
import collections
import json
import os
import pathlib
import random
import subprocess
import tempfile
import time

from support.edge import CliError
from support.wait import wait_until

MILLION = 1_000_000


def names(edge, *options):
    return [row["name"] for row in edge.cli("partner", "list", "--limit", "0", *options)["rows"]]


def refused(edge, *arguments):
    """What is said when the edge says no."""
    done = edge.fedge(*arguments)
    assert done.returncode == 1, f"{arguments}: exit {done.returncode}: {done.stdout}{done.stderr}"
    assert "fix:" in done.stderr, f"{arguments} does not say what to do: {done.stderr}"
    return done.stderr


def patient(edge, *arguments, seconds=60):
    """A command that takes long, and how long it took."""
    begin = time.monotonic()
    done = subprocess.run([edge.programs["fedge"], *arguments], text=True, capture_output=True, timeout=seconds,
                          env=dict(os.environ, FEDGE_SOCKET=str(edge.socket)))
    return done, time.monotonic() - begin


def peak_megabytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def reset_peak(process):
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def test_lists(env):
    """allow, block, list, show, diff, commit, rollback: one name, one list, one history"""
    edge = env.edge
    edge.cli("allow", "domain", "contoso.com", "--via", "sip.contoso.com", "--monitor", "--comment", "since 2012")
    edge.cli("allow", "domain", "bücher.example")
    edge.cli("block", "domain", "evil.example")
    assert names(edge) == [], "in force before the commit"
    changes = edge.cli("diff")["entries"]
    assert (changes["added"], changes["changed"], changes["removed"]) == (3, 0, 0), changes
    first = edge.commit("partners")["revision"]
    assert names(edge) == ["contoso.com", "evil.example", "xn--bcher-kva.example"]
    assert names(edge, "--blocked") == ["evil.example"]
    assert names(edge, "--via", "sip.contoso.com") == ["contoso.com"]
    assert "on the allowed list already, since revision" in refused(edge, "block", "domain", "Contoso.com")
    assert "on the blocked list already" in refused(edge, "allow", "domain", "evil.example")
    assert "on no list" in refused(edge, "partner", "remove", "nobody.example")
    refused(edge, "partner", "show", "nobody.example")
    edge.cli("block", "domain", "contoso.com", "--replace")
    shown = edge.cli("partner", "show", "contoso.com")
    assert shown["in_force"]["since"] == first and shown["candidate"]["list"] == "block", shown
    second = edge.commit("enough")["revision"]
    assert names(edge, "--blocked") == ["contoso.com", "evil.example"]
    assert edge.cli("diff", str(first), str(second))["entries"]["changed"] == 1
    assert "contoso.com is blocked no longer" in refused(edge, "rollback", str(first))
    assert names(edge, "--blocked") == ["contoso.com", "evil.example"]
    edge.cli("rollback", str(first), "--weaker")
    assert edge.cli("partner", "show", "contoso.com")["in_force"]["via"] == "sip.contoso.com"


def test_rollback_to_a_weaker_policy(env):
    """A rollback to a weaker policy is refused with what gets weaker, done as a whole when it is meant, and audited"""
    edge = env.edge
    edge.set_all({"federation.domain": ["example.org"], "federation.discovery": ["on"]})
    edge.cli("policy", "global", "set", "federation", "outside")
    weak = edge.commit("weak")["revision"]
    edge.cli("set", "federation.discovery", "off")
    edge.cli("policy", "global", "set", "nothing")
    edge.cli("block", "domain", "evil.example")
    strict = edge.commit("strict")["revision"]
    said = refused(edge, "rollback", str(weak))
    for what in ("discovery of partners is on", "global policy allows federation, outside", "evil.example is blocked no longer"):
        assert what in said, said
    assert edge.cli("show", "status")["control"]["revision"] == strict, "a refused rollback changed something"
    assert names(edge) == ["evil.example"]
    audited = len(edge.rows("audit"))
    done = edge.cli("rollback", str(weak), "--weaker")
    assert any("discovery" in sentence for sentence in done["weaker"]), done
    assert names(edge) == []
    fresh = [row for row in edge.rows("audit")[:len(edge.rows("audit")) - audited] if row["what"] == "policy-weaker"]
    assert len(fresh) == len(done["weaker"]) and all(row["who"] for row in fresh), fresh
    # Back to the stricter one without a question.
    edge.cli("rollback", str(strict))


def test_policies_and_providers(env):
    """Policies of users, sites and the rest; providers: presets, one server is one provider, the server is fixed"""
    edge = env.edge
    edge.set_all({"federation.domain": ["example.org", "berlin.example.org"]})
    edge.cli("policy", "site", "set", "berlin", "federation", "--domains", "berlin.example.org")
    edge.cli("policy", "user", "set", "Alice@example.org", "federation", "xmpp")
    assert "no domain of ours" in refused(edge, "policy", "user", "set", "bob@elsewhere.example", "xmpp")
    edge.cli("provider", "enable", "skype")
    edge.cli("provider", "add", "cloud", "sipfed.cloud.example", "--shared-address-space", "--hosts-users")
    edge.commit()
    assert [row["name"] for row in edge.cli("policy", "user", "list")["rows"]] == ["alice@example.org"]
    assert [row["name"] for row in edge.cli("policy", "show")["rows"] if row["scope"] == "site"] == ["berlin"]
    state = {row["name"]: row["enabled"] for row in edge.cli("provider", "list")["rows"]}
    assert state == {"aol": False, "cloud": True, "messenger": False, "skype": True, "yahoo": False}, state
    edge.cli("provider", "enable", "messenger")
    assert "same proxy" in refused(edge, "commit")
    edge.cli("discard")
    edge.cli("set", "provider.cloud.proxy", "other.cloud.example")
    assert "fixed" in refused(edge, "commit")
    edge.cli("discard")
    edge.cli("set", "federation.default-route", "hub.example.net")
    assert "no providers" in refused(edge, "commit")
    edge.cli("discard")
    edge.cli("provider", "disable", "skype")
    edge.cli("provider", "remove", "cloud")
    edge.commit()


def test_import_of_a_million(env):
    """A million domains: imported, committed, exported, rolled back; each bad line told; time and memory bounded"""
    edge = env.edge
    with tempfile.TemporaryDirectory() as folder:
        source, report, copy = (pathlib.Path(folder) / name for name in ("in.csv", "report.csv", "out.csv"))
        order = list(range(MILLION))
        random.Random(1).shuffle(order)
        bad = {1000: '"open', 250_000: "a..b,block,", 500_000: f"d{order[0]}.example,block,there already",
               999_999: "x.example,maybe,"}
        with open(source, "w") as file:
            file.write("name,list,comment\n")
            for line, number in enumerate(order, start=2):
                if line in bad:
                    file.write(bad[line] + "\n")
                file.write(f"d{number}.example,{'block' if number % 3 else 'allow'},\n")
        before = edge.cli("show", "status")["control"]["revision"]
        reset_peak(edge.control)
        done, seconds = patient(edge, "partner", "import", str(source), "--report", str(report), "--json")
        told = json.loads(done.stdout)
        assert done.returncode == 1 and told["added"] == MILLION and told["rejected"] == 4, (told, done.stderr)
        lines = [row.split(",")[0] for row in report.read_text().splitlines()[1:]]
        # Each line that was put in moves those behind it.
        assert sorted(map(int, lines)) == sorted(line + i for i, line in enumerate(sorted(bad))), lines
        committed, commit_seconds = patient(edge, "commit", "-m", "a million", "--json")
        assert committed.returncode == 0, committed.stderr
        again, again_seconds = patient(edge, "partner", "import", str(source), "--dry-run", "--json")
        peak = peak_megabytes(edge.control)
        assert json.loads(again.stdout)["unchanged"] == MILLION, again.stdout
        exported, export_seconds = patient(edge, "partner", "export", str(copy))
        assert exported.returncode == 0, exported.stderr
        rows = collections.Counter(line.split(",")[2] for line in copy.read_text().splitlines()[1:])
        assert rows == {"allow": 333_334, "block": 666_666}, rows
        changes, diff_seconds = patient(edge, "diff", str(before), "--json")
        assert json.loads(changes.stdout)["entries"]["added"] == MILLION, changes.stdout[-300:]
        assert edge.cli("partner", "show", "d31.example")["in_force"]["list"] == "block"
        assert len(edge.cli("partner", "list", "--limit", "10")["rows"]) == 10
        back, rollback_seconds = patient(edge, "rollback", str(before), "--weaker", "--json")
        assert back.returncode == 0, back.stderr
        assert names(edge) == []
    print(f"       import {seconds:.1f} s, commit {commit_seconds:.1f} s, dry run {again_seconds:.1f} s, export {export_seconds:.1f} s, "
          f"diff {diff_seconds:.1f} s, rollback {rollback_seconds:.1f} s, control at most {peak:.0f} MiB", flush=True)
    assert peak < 400, f"control used {peak:.0f} MiB"
    assert seconds < 40, f"the import took {seconds:.0f} s"


def test_kill_control_in_commits(env):
    """kill -9 of control while it commits leaves the old revision or the new one: settings and partners of one moment"""
    edge = env.edge
    chance = random.Random(20)
    with tempfile.TemporaryDirectory() as folder:
        before = 0
        span = 0.25  # seconds within which the kill comes; follows what a commit takes on this machine
        outcomes = collections.Counter()
        for mark in range(1, 13):
            source = pathlib.Path(folder) / "in.csv"
            source.write_text("name,comment\n" + "".join(f"d{i}.example,{mark}\n" for i in range(20_000)))
            edge.cli("set", "icmp.rate", str(mark))
            done, _ = patient(edge, "partner", "import", str(source), "--allow", "--replace")
            assert done.returncode == 0, done.stderr
            commit = subprocess.Popen([edge.programs["fedge"], "commit"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, env=dict(os.environ, FEDGE_SOCKET=str(edge.socket)))
            time.sleep(chance.uniform(0, span))
            edge.control.kill()
            commit.wait()
            edge.start_control()
            wait_until(edge.connected, 15, "control to come back")
            rate = edge.cli("show", "config")["settings"].get("icmp.rate")
            copy = pathlib.Path(folder) / "out.csv"
            assert patient(edge, "partner", "export", str(copy))[0].returncode == 0
            marks = collections.Counter(line.rsplit(",", 1)[1] for line in copy.read_text().splitlines()[1:])
            assert rate in (str(mark), str(before) if before else None), (mark, before, rate)
            assert marks == ({rate: 20_000} if rate else {}), (rate, marks)
            outcomes["new" if rate == str(mark) else "old"] += 1
            span *= 0.8 if rate == str(mark) else 1.5
            if rate == str(mark):
                assert edge.cli("diff")["entries"]["first"] == []
                before = mark
            edge.cli("discard")
        assert outcomes["new"] and outcomes["old"], f"the kills never met a commit: {outcomes}"
