"""The budgets of the design as programs: ratios to peers measured in the same run, never timed tests."""
