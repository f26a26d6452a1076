"""What things cost, as ratios within one process. Not tests: nothing here passes or fails."""
