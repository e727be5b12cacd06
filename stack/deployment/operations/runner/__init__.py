"""What all verbs share: the steps are looked at, done and asked for again, one verb at a time."""
