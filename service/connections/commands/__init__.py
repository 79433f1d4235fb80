"""What each command of a client leads to; pure, one generator a command (see ``standing.py``)."""
