"""Files that a setting adds to the stack file."""

from pathlib import Path

from deployment.configuration.layout import MONITORING, OVERLAYS
from deployment.configuration.settings import Settings


def chosen(settings: Settings) -> tuple[Path, ...]:
    """Return the files that these settings add, in the order in which they are merged."""
    wanted = {
        "encrypted-networks.yaml": settings.network_encryption,
        "network-subnets.yaml": settings.network_subnets,
        "private-acme.yaml": settings.acme_ca_file,
        "external-account.yaml": settings.acme_eab_hmac_key_file,
        "dns-challenge.yaml": settings.acme_dns_hook,
        "backup.yaml": settings.backup_store,
        "backup-volume.yaml": settings.backup_store == "volume",
        "backup-s3.yaml": settings.backup_store == "s3",
        "backup-s3-ca.yaml": settings.backup_s3_ca_file,
        MONITORING: settings.monitoring,
        "monitoring-private-acme.yaml": settings.monitoring and settings.acme_ca_file,
        "dashboard.yaml": settings.dashboard_host,
        "monitoring-page.yaml": settings.monitoring and settings.monitoring_host,
        "grafana.yaml": settings.dashboards,
        "alert-mail.yaml": settings.monitoring and settings.alert_smtp_password_file,
        "alert-slack.yaml": settings.monitoring and settings.alert_slack_url_file,
        "path-routing.yaml": settings.routing == "path",
    }
    return tuple(OVERLAYS / name for name, setting in wanted.items() if setting)
