"""Clients of our own: on the command line, and later by the thousand."""
