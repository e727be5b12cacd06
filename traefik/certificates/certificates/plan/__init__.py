"""Decides, from what was seen: no network, no files, no clock."""
