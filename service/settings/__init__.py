"""What a configuration may say, where it is read from, and what is wrong with it. Knows names and values, no rooms."""
