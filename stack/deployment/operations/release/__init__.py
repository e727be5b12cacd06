"""What `up` and `rollback` have in common: the release of the checkout, the way back, the last words."""
