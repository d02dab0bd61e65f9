"""openssl(1): as a TLS client in the laboratory, and as an authority of the test's own."""
import pathlib
import subprocess

from . import lab as net
from .edge import TLS_PORT


def s_client(env, *options, port=TLS_PORT, host="client", server=net.EDGE4, stdin="", authority=None):
    """What openssl s_client says of a connection that it ends at once."""
    return env.lab.run(host, "timeout", "15", "openssl", "s_client", "-connect", f"{server}:{port}", "-CAfile",
                       authority or env.edge.lab_ca(), *options, stdin=stdin).stdout


def openssl(directory, *arguments, stdin=None):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=directory, input=stdin, text=True, timeout=30,
                          capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments[0]}: {done.stderr[-500:]}")
    return done.stdout


class Authority:
    """Issues certificates and answers OCSP requests, as a public authority would."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.root, self._key = self.directory / "root.pem", self.directory / "root.key"
        self._issued = []
        openssl(directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._key)
        openssl(directory, "req", "-x509", "-new", "-key", self._key, "-subj", "/CN=Interop Root", "-days", 100, "-out",
                self.root)

    def issue(self, request, *hosts, days=90, usages="serverAuth"):
        """The path of a certificate for a request (PEM); with the usages that public authorities still grant."""
        serial = len(self._issued) + 1
        out = self.directory / f"{serial}.pem"
        extensions = self.directory / "extensions"
        extensions.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              f"extendedKeyUsage={usages}\nsubjectAltName=" + ",".join(f"DNS:{h}" for h in hosts))
        openssl(self.directory, "x509", "-req", "-CA", self.root, "-CAkey", self._key, "-set_serial", serial, "-days",
                days, "-extfile", extensions, "-out", out, stdin=request)
        self._issued.append(out)
        return out

    def answer(self, certificate):
        """The path of an OCSP response (DER) that the certificate is good."""
        out, index = self.directory / "response.der", self.directory / "index"
        index.write_text("".join(f"V\t360101000000Z\t\t{n + 1:02X}\tunknown\t/CN=x\n"
                                 for n in range(len(self._issued))))
        openssl(self.directory, "ocsp", "-index", index, "-CA", self.root, "-rsigner", self.root, "-rkey", self._key,
                "-issuer", self.root, "-cert", certificate, "-respout", out, "-ndays", 3, "-noverify")
        return out
