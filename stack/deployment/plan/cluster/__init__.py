"""Both clusters: what they are made of, how they are, and how they are updated."""
