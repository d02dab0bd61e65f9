"""coturn's unmodified load client and echo peer."""
import re

from . import lab as net
from .edge import PASSWORD, USER
from .wait import wait_until


def echo_listens(env):
    """Port 3480 in the kernel's hexadecimal; turnutils_peer opens 3481 for RTCP as well."""
    return ":0D98" in env.lab.run("peer", "cat", "/proc/net/udp").stdout


def start_echo(env):
    if not echo_listens(env):
        env.start("peer", "turnutils_peer", "-L", net.PEER4, "-L", net.PEER6, "-p", "3480",
                  log=env.edge.work / "peer.log")
        wait_until(lambda: echo_listens(env), 5, "turnutils_peer to listen")


def uclient(env, *options, server=net.EDGE4, password=PASSWORD, messages=40, clients=2, give_up=70):
    """coturn's turnutils_uclient against a turnutils_peer in the peer's namespace; returns its output. It is ended after
    give_up seconds."""
    start_echo(env)
    return env.lab.run("client", "timeout", give_up, "turnutils_uclient", "-u", USER, "-w", password, "-l", "172",
                       "-n", messages, "-m", clients, *options, server, timeout=80).stdout


def assert_lossless(output):
    assert "Total lost packets 0 (0.000000%)" in output, output[-1500:]
    sent, received = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)[-1]
    assert sent == received and int(sent) > 0, f"{sent} sent, {received} received"
