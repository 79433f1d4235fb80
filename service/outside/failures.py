"""How a question to another server can fail."""

from typing import Literal

Result = Literal["timeout", "unreachable", "status", "garbage", "breaker_open", "overloaded"]
_TRANSIENT_STATUS = frozenset({502, 503, 504})


class OutsideFailed(Exception):  # noqa: N818 - says what happened
    """No answer, or none that is of use. The text is for our log and shows no payload."""

    def __init__(self, result: Result, says: str, status: int = 0) -> None:
        super().__init__(says)
        self.result = result
        self.status = status  # of the HTTP answer, 0 for none

    @property
    def theirs(self) -> bool:
        """Whether it says that the other server is ill. An answer of 4xx was given in good health."""
        if self.result == "status":
            return self.status >= 500 or self.status == 429
        return self.result in {"timeout", "unreachable", "garbage"}

    @property
    def passing(self) -> bool:
        """Whether asking again soon may help."""
        return self.result in {"timeout", "unreachable"} or self.status in _TRANSIENT_STATUS
