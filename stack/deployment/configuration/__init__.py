"""What the user and the checkout say: settings, files and names."""
