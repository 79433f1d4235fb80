"""Pure: whose certificate is it? A field of a client's certificate -> the user's id."""

from collections.abc import Mapping
from typing import Any, Final

FIELDS: Final = ("san_uri", "san_dns", "san_email", "cn")
_ALTERNATIVES: Final = {"san_uri": "URI", "san_dns": "DNS", "san_email": "email"}


def user_of(certificate: Mapping[str, Any] | None, field: str) -> str:
    """The first value of this field; "" when there is none, or no certificate.

    Args:
        certificate: as ``ssl.SSLSocket.getpeercert`` tells it, verified already.
        field: one of ``FIELDS``, or "" for nobody.

    """
    if not certificate or not field:
        return ""
    if field == "cn":
        return next(
            (value for rdn in certificate.get("subject", ()) for name, value in rdn if name == "commonName"), ""
        )
    kind = _ALTERNATIVES[field]
    return next((value for name, value in certificate.get("subjectAltName", ()) if name == kind), "")
