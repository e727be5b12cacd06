"""Decide how a node of the queue may start, then become Redis or Sentinel."""
