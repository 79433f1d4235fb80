"""One file a board: its table of contents, a line a panel."""
