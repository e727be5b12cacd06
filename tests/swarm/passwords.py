"""Whether a data node takes a password of an account: asked in its own container."""

REDIS = """
[[ ${REDIS_TLS} == yes ]] && tls='--tls --insecure'
exec redis-cli --no-auth-warning ${tls:-} AUTH "$2" "$1"
"""
POSTGRES = """
[[ $2 == repmgr ]] && database=repmgr
PGPASSWORD=$1 psql -h ${NODE_NAME} -U "$2" -d "${database:-votes}" -X -A -t -c "SELECT 'OK'" 2>&1 || true
"""
ASK = {"redis": REDIS, "postgres": POSTGRES}
TAKEN = "OK"


def question(key: str, password: str) -> list[str]:
    """Return the command that prints TAKEN where this password of a secret's account is good."""
    cluster, account, _ = key.split("_")
    return ["bash", "-c", ASK[cluster], "ask", password, account]


def file(key: str) -> str:
    """Return where a data node has the password that is sent."""
    return f"/run/secrets/{key}"
