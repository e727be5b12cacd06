"""What a user is told at the end: where the pages are, whom browsers have to trust, where to look."""

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.secrets import credentials
from deployment.operations.runner.site import Site
from deployment.plan.release.entrance import dashboard as dashboard_of


def say(on: Site) -> None:
    """Say it, and keep the local authority's certificate where users find it."""
    entrance = on.entrance(on.require_wanted())
    on.progress.say(f"""
  Vote     {entrance.urls["vote"]}
  Results  {entrance.urls["result"]}""")
    if dashboard := dashboard_of(on.require_wanted()):
        on.progress.say(f"  Traefik  {dashboard}")
    if monitoring := on.require_wanted().variables.get("MONITORING_URL"):
        on.progress.say(f"  Metrics  {monitoring}")
        if "grafana" in on.require_wanted().services:
            on.progress.say(f"  Grafana  {monitoring}grafana/")
    on.progress.say("")
    if entrance.local:
        file = credentials.authority_file(on.engine)
        credentials.save_authority(on.engine, on.require_wanted(), file)
        path = file.relative_to(ROOT)
        on.progress.say(f"""  Browsers warn until they trust this machine's own certificate authority, {path}:
    import it into the browser, or on Debian
    sudo cp {path} /usr/local/share/ca-certificates/{STACK}.crt && sudo update-ca-certificates
""")
    on.progress.say("""  Look further
    python3 deploy.py status           services, both clusters, queue, votes
    python3 deploy.py logs vote        a service's log
    docker stack services vote-app     what Swarm says
    python3 deploy.py test             prove it: the tests""")
