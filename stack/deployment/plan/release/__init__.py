"""What is deployed: a release, those of before it, what it offers and what differs from it."""
