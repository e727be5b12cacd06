"""`deploy.py kit`: all without which a backup is worthless, in one file under one passphrase."""
