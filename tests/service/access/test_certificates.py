"""A field of a client's certificate is its user's id."""

import pytest

from service.access.certificates import user_of

CERTIFICATE = {
    "subject": ((("organizationName", "Example"),), (("commonName", "ann"),)),
    "subjectAltName": (("DNS", "ann.example.com"), ("URI", "spiffe://example.com/ann"), ("email", "ann@example.com")),
}


@pytest.mark.parametrize(
    ("field", "user"),
    [
        ("cn", "ann"),
        ("san_dns", "ann.example.com"),
        ("san_uri", "spiffe://example.com/ann"),
        ("san_email", "ann@example.com"),
        ("", ""),
    ],
)
def test_each_field(field, user):
    assert user_of(CERTIFICATE, field) == user


@pytest.mark.parametrize("certificate", [None, {}, {"subject": ()}])
def test_nobody(certificate):
    assert user_of(certificate, "cn") == user_of(certificate, "san_uri") == ""
