"""Who may subscribe, publish and read history: decisions over the options of a namespace (protocol reference, section 10)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RulesSettings:
    """What goes for all namespaces."""

    insecure: bool = False  # client.insecure: everyone may do everything
