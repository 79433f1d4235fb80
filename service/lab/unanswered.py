"""Why nobody answered, in a few words, for the commands that talk to a server."""

import os

import aiohttp


def why(error: Exception) -> str:
    """What the system or the library says to it."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        says = getattr(error.certificate_error, "verify_message", "") or "unknown"
        return f"its certificate is not trusted: {says}; the environment's SSL_CERT_FILE=FILE names whom to trust"
    if isinstance(error, aiohttp.ClientSSLError):
        return "it speaks no TLS: say http:// instead of https://"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno) if error.os_error.errno else "connection refused"
    return str(error) or type(error).__name__
