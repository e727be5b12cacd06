"""Votes as a browser does, once a minute, and looks whether that comes to the screen; it counts nowhere."""
