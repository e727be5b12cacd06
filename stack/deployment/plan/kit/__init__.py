"""The recovery kit: its format, what is in it, and when another one is due."""
