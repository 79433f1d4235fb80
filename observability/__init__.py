"""What can be seen of Heliograph: metrics, traces and logs, each happening told by one observer call."""
