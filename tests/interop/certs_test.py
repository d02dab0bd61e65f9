"""Certificates from the operator's command to what openssl s_client sees."""
import tempfile

from support import lab as net
from support.edge import EDGE_NAME, TLS_PORT
from support.openssl import Authority, openssl, s_client

HOST = "access.example.net"


def authority(env):
    return Authority(env.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fedge-interop-ca-")))


def added(env, name):
    env.cleanup.callback(env.edge.cli, "cert", "remove", name)


def imported(env, issuer):
    """A certificate of the authority for HOST: requested, issued, imported; its file."""
    request = env.edge.fedge("cert", "csr", "site", HOST, "example.net")
    assert request.returncode == 0, request.stderr
    certificate = issuer.issue(request.stdout, HOST, "example.net")
    refused = env.edge.fedge("cert", "import", "site", "--cert", str(certificate))
    assert refused.returncode == 1 and "does not lead to a root" in refused.stderr, refused.stderr
    env.edge.cli("cert", "import", "site", "--cert", str(certificate), "--ca", str(issuer.root))
    added(env, "site")
    return certificate


def test_request_import_and_server_names(env):
    """fedge cert csr, signed by an authority, fedge cert import: each client gets the certificate of its name"""
    issuer = authority(env)
    imported(env, issuer)
    text = s_client(env, "-servername", HOST, "-verify_hostname", HOST, "-verify_return_error", authority=issuer.root)
    assert "Verify return code: 0 (ok)" in text, text[-1500:]
    for options in (("-servername", EDGE_NAME), ("-servername", "unknown.example.org"), ("-noservername",)):
        text = s_client(env, *options, "-verify_hostname", EDGE_NAME, "-verify_return_error")
        assert "Verify return code: 0 (ok)" in text, (options, text[-1500:])
    row, = [r for r in env.edge.rows("certs") if r["name"] == "site"]
    assert row["names"] == [f"DNS:{HOST}", "DNS:example.net"] and 88 <= row["days_left"] <= 90, row


def test_rsa_beside_ecdsa(env):
    """Two certificates of one name: clients of either kind are served"""
    env.edge.cli("cert", "generate", "edge-rsa", EDGE_NAME, "--rsa")
    added(env, "edge-rsa")
    for cipher, kind in (("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA"), ("ECDHE-RSA-AES128-GCM-SHA256", "RSA")):
        text = s_client(env, "-tls1_2", "-cipher", cipher, "-servername", EDGE_NAME, "-verify_return_error")
        assert f"Cipher is {cipher}" in text and "Verify return code: 0 (ok)" in text, text[-1500:]
        assert f"Peer signature type: {kind}" in text, text[-1500:]


def test_ocsp_staple(env):
    """fedge cert ocsp import: stapled to handshakes that ask for it, and only with its certificate"""
    issuer = authority(env)
    certificate = imported(env, issuer)
    assert "OCSP response: no response sent" in s_client(env, "-status", "-servername", HOST)
    env.edge.cli("cert", "ocsp", "import", "site", "--file", str(issuer.answer(certificate)))
    text = s_client(env, "-status", "-servername", HOST, authority=issuer.root)
    assert "OCSP Response Status: successful" in text and "Cert Status: good" in text, text[:3000]
    assert "no response sent" in s_client(env, "-status", "-servername", EDGE_NAME)


def test_refusals_leave_what_is_served(env):
    """A wrong key, an expired certificate, the last certificate: refused in words, and clients go on"""
    issuer = authority(env)
    request = env.edge.fedge("cert", "csr", "next", HOST).stdout
    added(env, "next")
    certificate = issuer.issue(request, HOST)
    openssl(issuer.directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "other.key")
    expired = issuer.issue(request, HOST, days=-1)
    rows = (
        (("import", "next", "--cert", certificate, "--key", issuer.directory / "other.key", "--ca", issuer.root),
         "does not belong to the certificate"),
        (("import", "next", "--cert", expired, "--ca", issuer.root), "expired at"),
        (("import", "../next", "--cert", certificate, "--ca", issuer.root), "cannot be the name of a certificate"),
        (("remove", "edge"), "is the last certificate"),
    )
    for arguments, said in rows:
        done = env.edge.fedge("cert", *map(str, arguments))
        assert done.returncode == 1 and said in done.stderr, (arguments, done.stderr)
    assert "Verify return code: 0 (ok)" in s_client(env, "-servername", EDGE_NAME, "-verify_return_error")


def test_show_tls(env):
    """fedge show tls counts handshakes, failures and versions in use"""
    before = env.edge.cli("show", "tls")

    def total(result, what):
        return sum(row[what] for row in result["cores"])
    with env.stream(net.EDGE4, TLS_PORT):
        s_client(env, "-tls1_3")
        s_client(env, "-tls1_3")
        s_client(env, "-tls1_2", "-cipher", "AES128-SHA")
        result = env.edge.cli("show", "tls")
        text = env.edge.fedge("show", "tls").stdout
    assert total(result, "accepted") >= total(before, "accepted") + 2, (before, result)
    assert total(result, "handshake_failed") > total(before, "handshake_failed"), (before, result)
    assert total(result, "in_progress") >= 1, result
    assert "ACCEPTED" in text and "tls_handshake_failed" in text, text
