"""Pictures of the board and of a trace, drawn from a running stack's answers; not by Grafana, which cannot be had."""
