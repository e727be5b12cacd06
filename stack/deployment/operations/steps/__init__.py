"""Steps: each says what is missing, and makes it true."""
