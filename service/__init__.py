"""Heliograph: a realtime WebSocket server whose every message, connection and deploy can be seen."""

__version__ = "0.1.0"
