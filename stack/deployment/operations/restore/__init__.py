"""What a backup gives back: a copy that is only looked at, or the votes of a moment in their place."""
