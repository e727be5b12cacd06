"""Where a release keeps its backups: a bucket, its authority and its key belong together."""

from collections.abc import Iterable
from dataclasses import replace

from deployment.plan.release.release import OF_BUCKET, Release, secret_variable

# Where a release keeps the authority of a private store.
AUTHORITY = "stack/backup-s3-ca.pem"
OVERLAY, WITH_AUTHORITY = "stack/overlays/backup-s3.yaml", "stack/overlays/backup-s3-ca.yaml"
PLACE = ("BACKUP_S3_ENDPOINT", "BACKUP_S3_BUCKET", "BACKUP_S3_REGION")
OF_AUTHORITY = ("BACKUP_S3_CA_FILE", "BACKUP_S3_CA_HASH")


def store_of(release: Release) -> str:
    """Say how the store of a release's backups is reached; the empty string if it makes none."""
    told = ("BACKUP_STORE", *PLACE, "BACKUP_S3_CA_HASH")
    return " ".join(filter(None, map(release.variables.get, told)))


def newest(kept: Iterable[Release]) -> Release | None:
    """Return the last of these releases that has a bucket."""
    found = [release for release in kept if OVERLAY in release.stack]
    return found[-1] if found else None


def keys_of(release: Release) -> tuple[str, ...]:
    """Return the names of the secrets that a release with a bucket reaches it with."""
    return tuple(release.variables[secret_variable(key)] for key in OF_BUCKET)


def kept(former: Release, now: Release | None) -> Release:
    """Return a former release, if it has a bucket, with that of another one."""
    if now is None or OVERLAY not in former.stack:
        return former
    taken = (*PLACE, *map(secret_variable, OF_BUCKET))
    bare = _without_authority(former).having({name: now.variables[name] for name in taken})
    return _with_authority(bare, now) if WITH_AUTHORITY in now.stack else bare


def _without_authority(release: Release) -> Release:
    return Release(
        tuple(path for path in release.stack if path != WITH_AUTHORITY),
        {path: text for path, text in release.files.items() if path not in (WITH_AUTHORITY, AUTHORITY)},
        {name: value for name, value in release.variables.items() if name not in OF_AUTHORITY},
    )


def _with_authority(release: Release, now: Release) -> Release:
    after = release.stack.index(OVERLAY) + 1
    return replace(
        release.having({name: now.variables[name] for name in OF_AUTHORITY}),
        stack=(*release.stack[:after], WITH_AUTHORITY, *release.stack[after:]),
        files={**release.files, **{path: now.files[path] for path in (WITH_AUTHORITY, AUTHORITY)}},
    )
