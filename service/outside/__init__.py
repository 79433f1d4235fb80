"""Everything that calls another server: bounded in time, in number and in size."""
