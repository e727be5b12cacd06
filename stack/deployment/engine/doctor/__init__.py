"""Gathering the facts that `doctor` judges."""
