"""What will really be trained: counters (exact, offline), chat templates, loss masks, truncation as each target does it."""
