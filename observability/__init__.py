"""What can be seen of Heliograph: metrics, traces and logs, each happening told by one observer call."""

from observability import ledger_names as ledger_names  # whoever asks ``names`` for all metrics is told of these, too
