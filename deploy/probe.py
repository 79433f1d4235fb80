"""``python -m deploy.probe URL``: exit code 0 when it answers with 200. The healthcheck inside images without wget."""

import http.client
import sys
from urllib.parse import urlsplit


def healthy(url: str, patience: float = 3.0) -> bool:
    """Whether ``url`` (http) answers with 200 within ``patience`` seconds."""
    asked = urlsplit(url)
    connection = http.client.HTTPConnection(asked.netloc, timeout=patience)
    try:
        connection.request("GET", asked.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(sys.argv[1]) else 1)
