"""Who is here: the clients of each channel."""
