"""Ways to reach people, one file each. All are pure but mail: a call to make, and what its answer means."""
