"""nginx with consul-template: the door to the services."""

from rollcall.desired import Container, Directory, File, Mount, Thing, Volume, configuration_digest
from rollcall.fleet import Member
from rollcall.secrets import Secrets
from rollcall.templates import render

FOLDER = "/etc/rollcall/front"
# The last good configuration: a new container serves it until Consul has been heard.
VOLUME = "front-data"


def desired(member: Member, secrets: Secrets) -> tuple[Thing, ...]:
    """Say what the front of one host consists of; nothing where the host is no front."""
    if not member.is_front:
        return ()
    settings = member.settings.front
    files = _files(member, secrets)
    return (
        *files,
        Volume(VOLUME),
        Container(
            name="front",
            component="front",
            image=settings.image,
            image_source=settings.image_source or member.settings.image_source,
            environment=(("SERVICE_IGNORE", "true"),),
            # Clients' addresses arrive unchanged, and no packet is translated on its way.
            network="host",
            hostname=member.node,
            listens=((settings.address, settings.http_port), (settings.address, settings.https_port)),
            mounts=(Mount(FOLDER, FOLDER), Mount(VOLUME, "/var/lib/rollcall/front", read_only=False)),
            # A little more than nginx gives its workers to end their requests.
            stop_timeout=settings.shutdown_timeout + 10,
            configuration=configuration_digest(files),
        ),
    )


def _files(member: Member, secrets: Secrets) -> tuple[Thing, ...]:
    front = member.settings.front
    return (
        Directory(FOLDER, 0o700),
        File(f"{FOLDER}/nginx.conf", render("front/nginx.conf.j2", front=front)),
        File(f"{FOLDER}/upstream.ctmpl", render("front/upstream.ctmpl.j2", front=front)),
        File(
            f"{FOLDER}/consul-template.hcl",
            render("front/consul-template.hcl.j2", consul_address="127.0.0.1:8500"),
        ),
        Directory(f"{FOLDER}/tls", 0o700),
        File(f"{FOLDER}/tls/front.crt", secrets.front.certificate),
        File(f"{FOLDER}/tls/front.key", secrets.front.key, 0o600),
    )
