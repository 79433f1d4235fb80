"""HTTP doors: the server API, health and metrics, the demo page."""
