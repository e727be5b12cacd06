"""What ends a seeding before it has begun."""


class SeedError(Exception):
    """A page is not as it must be; the message says which, and what it did."""
