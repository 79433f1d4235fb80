"""Who may: tokens, keys, rules."""
