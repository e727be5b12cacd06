"""What each secret of the stack is for, how it is changed, and why it is not."""

from deployment.plan.release.rotation import ROTATABLE

_DATABASE = "the account {} of the database"
_QUEUE = "the account {} of the queue"
_SERVER = "key and certificate of {}, for TLS inside"
PURPOSES = {
    "postgres_password": "the superuser of the database, which nobody outside of its containers can be",
    "postgres_repmgr_password": "the database's nodes among themselves",
    **{
        f"postgres_{account}_password": _DATABASE.format(account)
        for account in ("pgpool", "worker", "result")
    },
    **{
        f"postgres_{account}_password": _DATABASE.format(account)
        for account in ("observer", "certificates", "monitor")
    },
    "postgres_agent_token": "the database's nodes, where one asks another to do something",
    **{
        f"redis_{account}_password": _QUEUE.format(account)
        for account in ("ballot", "vote", "worker", "observer", "monitor", "replica", "sentinel", "proxy")
    },
    "voter_cookie_key": "signs the cookies by which voters are known again",
    "probe_key": "signs the test votes of the monitoring",
    "certificates_key": "seals the certificates in the database and on the edges' volumes",
    "certificates_token": "Traefik, where it asks for the certificates",
    "local_ca": "the local authority, whose certificate visitors trust",
    "local_ca_key": "the key of the local authority",
    "inside_ca": "the authority of all certificates inside",
    "certificates_tls": _SERVER.format("certificates"),
    "pgpool_tls": _SERVER.format("pgpool"),
    "postgres_tls": _SERVER.format("the database's nodes"),
    "redis_proxy_tls": _SERVER.format("redis-proxy"),
    "redis_tls": _SERVER.format("Redis and Sentinel"),
    "backup_key": "encrypts the backups",
    "backup_ca": "the authority of the backups' certificates",
    "backup_tls": _SERVER.format("the runner of the backups"),
    "backup_node_tls": _SERVER.format("the database's nodes, for the backups"),
    "tls_certificate": "the pages' certificate of a former release",
    "tls_key": "the key of the pages' certificate of a former release",
    "acme_eab_hmac_key": "binds the ACME account to one at its authority",
    "acme_dns_hook": "the script that sets the DNS records of a certificate",
    "dashboard_users": "who may see Traefik's dashboard",
    "monitoring_users": "who may see the page of the monitoring",
    "alert_smtp_password": "the mail server, for alerts",
    "alert_slack_url": "where alerts go in Slack",
    "backup_s3_key": "the name of the key to the bucket with the backups",
    "backup_s3_key_secret": "the key to the bucket with the backups",
}
FILES = {
    "acme_eab_hmac_key": "ACME_EAB_HMAC_KEY_FILE",
    "acme_dns_hook": "ACME_DNS_HOOK",
    "dashboard_users": "DASHBOARD_USERS_FILE",
    "monitoring_users": "MONITORING_USERS_FILE",
    "alert_smtp_password": "ALERT_SMTP_PASSWORD_FILE",
    "alert_slack_url": "ALERT_SLACK_URL_FILE",
    "backup_s3_key": "BACKUP_S3_KEY_FILE",
    "backup_s3_key_secret": "BACKUP_S3_KEY_SECRET_FILE",
}
_PINNED = "the services that run trust one authority, and would refuse a certificate of another one"
_SHOWN = "visitors trust this authority, and would have to trust another one"
_FORMER = "a release of before shows it, and it goes with that release"
FIXED = {
    "postgres_password": "nobody logs in with it: the superuser comes from inside a node's container alone",
    "postgres_monitor_password": "the exporter of the metrics knows one password alone",
    "certificates_key": "what it has sealed could not be opened any more",
    **dict.fromkeys(("local_ca", "local_ca_key"), _SHOWN),
    **dict.fromkeys(("inside_ca", "certificates_tls", "pgpool_tls", "postgres_tls"), _PINNED),
    **dict.fromkeys(("redis_proxy_tls", "redis_tls"), _PINNED),
    "backup_key": "the backups that are in the store could not be read any more",
    **dict.fromkeys(("backup_ca", "backup_tls", "backup_node_tls"), _PINNED),
    **dict.fromkeys(("tls_certificate", "tls_key"), _FORMER),
}


def way(key: str) -> str:
    """Say how a secret is changed; the empty string if no command does that."""
    if key in ROTATABLE:
        return f"secrets rotate {key}"
    if key in FILES:
        return f"the file that {FILES[key]} names, then `up`"
    return ""
