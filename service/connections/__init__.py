"""The life of one socket."""
