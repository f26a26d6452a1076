"""What records say: spans, effects, verdicts, and how sure. Knows nothing of training."""
