"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`runs` clean runs of each comparison; `quick` shrinks everything, its figures mean nothing."""

    runs: int = 5
    quick: bool = False

    def connections(self, wanted: int) -> int:
        return min(wanted, 100) if self.quick else wanted

    def seconds(self, wanted: float) -> float:
        return min(wanted, 0.3) if self.quick else wanted

    def rounds(self, at_least: int = 0) -> int:
        return 2 if self.quick else max(self.runs, at_least)
