"""Give services their secrets: as files for their user alone, or, if the declaration says so, as environment."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rollcall.components.service.service_files import FOLDER
from rollcall.config.fleet import Fleet, Locate, Member
from rollcall.config.service import Service
from rollcall.converge import env_file, image_user
from rollcall.converge.resources import SALT, SALTED, Container, Directory, File, Mount, Resource
from rollcall.secrets.service_secrets import ServiceSecrets, deployers_variable, variable

TARGET = "/run/secrets"


@dataclass(frozen=True)
class Given:
    """What a service's containers get: files with their mounts, or variables, and a keyed digest of the values."""

    digest: str = ""
    resources: tuple[Resource, ...] = ()
    mounts: tuple[Mount, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secret_environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def given_to(self, container: Container) -> Container:
        """Return the container with its secrets."""
        return replace(
            container,
            secrets=self.digest,
            mounts=(*container.mounts, *self.mounts),
            environment=(*container.environment, *self.environment),
            secret_environment=self.secret_environment,
        )


def variables(service: Service) -> list[str]:
    """Return the environment variable of each secret: its value, or the path of its file."""
    suffix = "" if service.secrets_as_environment else "_FILE"
    return [variable(name) + suffix for name in service.secrets]


def targets(service: Service) -> list[str]:
    """Return the paths of the secrets in the container."""
    return [] if service.secrets_as_environment else [f"{TARGET}/{name}" for name in service.secrets]


def of(service: Service, member: Member, secrets: ServiceSecrets) -> Given:
    """Return the secrets of one host's service."""
    if not service.secrets:
        return Given()
    names, digest = variables(service), secrets.digest(service.name, service.secrets)
    values = [secrets.value(service.name, name) for name in service.secrets]
    if service.secrets_as_environment:
        return Given(digest, secret_environment=tuple(zip(names, values, strict=True)))
    image = member.image(service.image)
    owner = service.secrets_owner or service.user
    # Containers of another image or user keep files of their own, which these need not be able to read.
    folder = f"{FOLDER}/{service.name}"
    inner = f"{folder}/{SALTED}{secrets.digest(service.name, service.secrets, image, owner)}"
    paths = [f"{inner}/{name}" for name in service.secrets]
    notify = "" if owner else image_user.own(image, paths)
    uid, _, gid = owner.partition(":")
    salt = secrets.salt
    files = [
        File(path, value, 0o400, f"{uid}:{gid or 0}" if owner else "", notify, salt=salt)
        for path, value in zip(paths, values, strict=True)
    ]
    salted = File(f"{inner}/{SALT}", salt, 0o400, salt=salt)
    return Given(
        digest,
        (Directory(FOLDER, 0o700), Directory(folder, 0o700), Directory(inner, 0o700), salted, *files),
        tuple(Mount(path, target) for path, target in zip(paths, targets(service), strict=True)),
        tuple(zip(names, targets(service), strict=True)),
    )


def check_values(fleet: Fleet, secrets: ServiceSecrets, inventory: str, locate: Locate) -> Iterator[str]:
    """Say in a sentence what is wrong with each value: none is set, or no env-file can hold it."""
    seen: set[tuple[str, str]] = set()
    for member in fleet.members:
        for position, service in enumerate(member.settings.services):
            for number, name in enumerate(service.secrets):
                if (service.name, name) in seen:
                    continue
                seen.add((service.name, name))
                where = f"{locate(member.name, ('services', position, 'secrets', number))}services[{position}].secrets"
                command = f"rollcall secret set {inventory} {service.name} {name}"
                value = secrets.value(service.name, name)
                if not value:
                    given = deployers_variable(service.name, name)
                    yield f"{where}: got {name!r} without a value; expected one, here or in {given}: {command}"
                elif service.secrets_as_environment and not env_file.holds(value):
                    yield (
                        f"{where}: got {name!r} with several lines or more than {env_file.LONGEST} bytes, which "
                        f"secrets_as_environment cannot give; expected a file of it, or another value: {command}"
                    )
