"""A certificate authority for tests: real certificates, made when they are needed."""

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """``issue`` writes ``<name>.pem`` and ``<name>.key`` into the directory; ``pem`` is its own certificate."""

    def __init__(self, directory, name="authority"):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._built(self._name, self._key, 1).add_extension(constraints, critical=True)
        self._certificate = self._certificate.sign(self._key, hashes.SHA256())
        self.file = directory / f"{name}.ca.pem"
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.file.write_text(self.pem)

    def _built(self, subject, key, days):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=2))
            .not_valid_after(now + dt.timedelta(days=days))
        )

    def issue(self, name="localhost", *, days=30, san=None, file=None, passphrase=None):
        """Certificate and key as two files."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = san or [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = self._built(_name(name), key, days).add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.sign(self._key, hashes.SHA256())
        certificate, secret = (self._directory / f"{file or name}.{kind}" for kind in ("pem", "key"))
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
        return str(certificate), str(secret)

    def serving(self, name="backend"):
        """A server's context that shows a certificate of this authority, and asks clients for one."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=self.pem)
        context.load_cert_chain(*self.issue(name))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def trusting(self, certificate=None):
        """A client's context that trusts this authority, and shows this certificate."""
        context = ssl.create_default_context(cadata=self.pem)
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context
