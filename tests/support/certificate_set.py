"""Certificates as strangers show them: good and bad ones of every kind, made with openssl(1)."""
import pathlib

from .openssl import openssl

KEYS = {"P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "RSA-2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "RSA-1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")}
SIP_DOMAIN = "1.3.6.1.5.5.7.3.20"  # RFC 5924

CONFIG = """[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
serial = serial
policy = any
unique_subject = no
default_md = sha256
default_crl_days = 30
[any]
commonName = supplied
"""


def encoded_names(*names):
    """A subjectAltName of DNS names that may hold any octets, as openssl takes it."""
    entries = b"".join(bytes((0x82, len(name))) + name for name in names)
    assert len(entries) < 128
    return "DER:" + (bytes((0x30, len(entries))) + entries).hex(":")


class CertificateAuthority:
    """A root, or an authority below `above`; each in a directory of its own below `directory`."""

    def __init__(self, directory, name, above=None):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.name, self.above = name, above
        self._count = 0
        for file, text in (("index.txt", ""), ("serial", "1000"), ("ca.cnf", CONFIG)):
            (self.directory / file).write_text(text)
        self.key = self.directory / "ca.key"
        openssl(self.directory, "genpkey", *KEYS["P-256"], "-out", self.key)
        if above:
            self.certificate, _ = above.issue(name, names="", usage="", authority=True, key_file=self.key)
        else:
            self.certificate = self.directory / "ca.pem"
            openssl(self.directory, "req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", 100, "-out",
                    self.certificate)

    def issue(self, common_name, *, names=None, usage="serverAuth", key="P-256", digest="sha256", start="", end="",
              authority=False, more="", key_file=None):
        """(chain without the root, key). `names`: of subjectAltName as openssl writes it, "" for none; `start` and `end`
        as YYMMDDHHMMSSZ; `more`: further lines of extensions."""
        self._count += 1
        base = f"{self._count}"
        if not key_file:
            key_file = self.directory / f"{base}.key"
            openssl(self.directory, "genpkey", *KEYS[key], "-out", key_file)
        openssl(self.directory, "req", "-new", "-key", key_file, "-subj", f"/CN={common_name}", "-out", f"{base}.csr")
        names = f"DNS:{common_name}" if names is None else names
        lines = ["basicConstraints=critical,CA:" + ("TRUE" if authority else "FALSE"),
                 "keyUsage=critical," + ("keyCertSign,cRLSign" if authority else "digitalSignature"),
                 "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid",
                 f"extendedKeyUsage={usage}" if usage else "", f"subjectAltName={names}" if names else "", more]
        (self.directory / f"{base}.ext").write_text("\n".join(lines) + "\n")
        dates = (("-startdate", start) if start else ()) + (("-enddate", end) if end else ("-days", 90))
        openssl(self.directory, "ca", "-batch", "-config", "ca.cnf", "-cert", self.certificate, "-keyfile", self.key,
                "-md", digest, "-in", f"{base}.csr", "-extfile", f"{base}.ext", "-notext", *dates, "-out", f"{base}.pem")
        out = self.directory / f"{base}.pem"
        if self.above:
            out.write_text(out.read_text() + self.certificate.read_text())
        return out, key_file

    def revoke(self, certificate):
        """The path of a revocation list (PEM) that has it."""
        ca = ("ca", "-config", "ca.cnf", "-cert", self.certificate, "-keyfile", self.key)
        openssl(self.directory, *ca, "-revoke", certificate)
        openssl(self.directory, *ca, "-gencrl", "-out", "crl.pem")
        return self.directory / "crl.pem"
