"""Certificates and keys as people give them: a path, the text itself, or its base64 form, as in Centrifugo."""

import base64
import binascii
import os
import ssl
from pathlib import Path
from typing import Final, Self

BEGIN: Final = "-----BEGIN "


class BadCertificate(Exception):  # noqa: N818 - says what is bad
    """It cannot be used. ``option`` says which of them, the text why."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(why)
        self.option = option


def pem(option: str, value: str) -> str:
    """The text behind a path, a text, or a base64 form.

    Raises:
        BadCertificate: nothing of the kind.

    """
    if BEGIN in value:
        return value
    if not value:
        raise BadCertificate(option, "is needed when TLS is enabled")
    try:
        text = Path(value).read_text()
    except (OSError, ValueError) as error:
        decoded = _decoded(value)
        if decoded is None:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "not a text"
            raise BadCertificate(option, f"the file cannot be read: {why}") from None
        return decoded
    if BEGIN not in text:
        raise BadCertificate(option, "the file holds no PEM block (-----BEGIN …)")
    return text


def described(option: str, text: str) -> tuple[str, float]:
    """The subject of its first certificate, and when that expires (Unix time).

    Raises:
        BadCertificate: there is none.

    """
    from cryptography import x509  # 40 ms that only those pay who speak TLS

    try:
        first = x509.load_pem_x509_certificates(text.encode())[0]
    except (ValueError, IndexError) as error:
        raise BadCertificate(option, f"holds no certificate: {error}") from None
    return first.subject.rfc4514_string(), first.not_valid_after_utc.timestamp()


def show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let the context show this certificate.

    Raises:
        BadCertificate: they do not fit, or cannot be used.

    """
    try:
        with _File(certificate) as first, _File(key) as second:
            context.load_cert_chain(first.path, second.path, password="")
    except ssl.SSLError as error:
        raise BadCertificate("key_pem", _key_fault(error)) from None


def trust(context: ssl.SSLContext, option: str, authority: str) -> None:
    """Let the context believe whom this authority signed.

    Raises:
        BadCertificate: it is none.

    """
    try:
        context.load_verify_locations(cadata=authority)
    except ssl.SSLError as error:
        raise BadCertificate(option, f"holds no certificate: {error.reason}") from None


def _decoded(value: str) -> str | None:
    try:
        text = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return text if BEGIN in text else None


def _key_fault(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    said = {
        "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
        "BAD_DECRYPT": "the key is encrypted: give it without a passphrase",
        "BAD_PASSWORD_READ": "the key is encrypted: give it without a passphrase",
        "EE_KEY_TOO_SMALL": "the certificate's key is too short",
    }
    return said.get(reason, f"certificate or key cannot be used: {reason}")


class _File:
    """A text as a file that has no name: ``load_cert_chain`` reads nothing else."""

    def __init__(self, text: str) -> None:
        self._fd = os.memfd_create("pem")
        os.write(self._fd, text.encode())
        self.path = f"/proc/self/fd/{self._fd}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
