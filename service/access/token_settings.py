"""What a token is checked with. Names are Centrifugo's (``client.token.…``)."""

from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True, slots=True, repr=False)
class TokenSettings:
    """Keys, and what a token must say. With ``jwks_public_endpoint`` the keys of that set alone count."""

    hmac_secret_key: str = ""  # empty: no HMAC token is valid
    hmac_previous_secret_key: str = ""
    hmac_previous_secret_key_valid_until: float = 0  # Unix seconds; 0: for as long as it is configured
    audience: str = ""
    issuer: str = ""
    user_id_claim: str = ""  # the claim that names the user; empty: sub
    rsa_public_key: str = ""  # PEM
    ecdsa_public_key: str = ""  # PEM
    jwks_public_endpoint: str = ""  # may hold {{name}}s of groups of the two expressions below
    audience_regex: str = ""
    issuer_regex: str = ""
    jwks_ttl: float = HOUR  # seconds; then the set is asked for again
    jwks_stale_limit: float = 24 * HOUR  # seconds that keys go on while the endpoint does not answer
