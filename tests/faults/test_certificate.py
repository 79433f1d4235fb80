"""A certificate that ends when it is told to, and that the server's own reading accepts."""

import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509

from faults import certificate


def test_it_ends_in_so_many_days_and_fits_its_key(tmp_path):
    certificate.write(tmp_path, days=2)
    found = x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())
    left = found.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left < timedelta(days=2)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
