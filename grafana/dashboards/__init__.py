"""Boards as functions. They are written in Grafana's first schema: what its file provisioning and linters know best.

The SDK warns at import that it prefers its second schema; that choice is made, so its warnings are not passed on.
"""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.builders.stat  # noqa: F401 - both are imported for their warnings
