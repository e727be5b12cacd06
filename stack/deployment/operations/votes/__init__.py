"""What may be done to the votes, and to who may vote."""
