"""What things cost, as ratios within one process, and how often the statistics err, on suites whose truth is known.
Not tests: nothing here passes or fails."""
