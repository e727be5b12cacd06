"""The secrets: which there are, and a new value for each."""
