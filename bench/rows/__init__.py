"""One module a row of the budget table; each has `measure(options) -> list[Finding]`."""
