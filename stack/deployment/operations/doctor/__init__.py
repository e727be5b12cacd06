"""What is wrong, and what helps somebody else to find out."""
