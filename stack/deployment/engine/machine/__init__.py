"""The engine itself and the machine that it is on."""
