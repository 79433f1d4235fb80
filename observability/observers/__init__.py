"""One class per room of the service: what happened there, told as metric, span and log line."""
