"""Images: what they are built from, how they are built and where the nodes get them."""
