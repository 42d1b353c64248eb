"""Explain why a host's Docker Engine is unusable: a shell function that prints one sentence."""

from rollcall.converge.docker_query import SOCKET

PODMAN = (
    "the docker command is Podman's (package podman-docker), which has no Docker Engine behind it; remove "
    "podman-docker and install Docker Engine"
)
# is_podman FILE: Debian's podman-docker is a script, Fedora's may be a symlink, whose end FILE is.
IS_PODMAN = r"""
is_podman() {
  case $1 in */podman) return 0 ;; esac
  [ "$(head -c 2 "$1" 2>/dev/null)" = '#!' ] && head -c 500 "$1" | grep -aq podman
}
"""
# explain_docker OUTPUT: print the sentence. OUTPUT is what the docker command printed, if it ran.
# The kernel truncates the names in /proc/PID/comm to 15 characters; "dockerd" fits.
FUNCTION = rf"""{IS_PODMAN}
explain_docker() {{
  PATH=$PATH:/usr/sbin:/sbin
  rootless=$(ls -d /run/user/*/docker.sock 2>/dev/null | head -n 1)
  install="install it (Debian: apt-get install docker.io; Docker's own packages: docker-ce)"
  if ! command -v docker >/dev/null; then
    if grep -qsx dockerd /proc/[0-9]*/comm; then
      echo "Docker Engine runs, but the docker command is missing; install docker-cli, or docker-ce-cli" \
        "beside docker-ce"
    elif command -v dockerd >/dev/null; then
      echo "Docker Engine is installed, but the docker command is missing; install docker-cli, or docker-ce-cli" \
        "beside docker-ce"
    elif command -v podman >/dev/null; then
      echo "Docker Engine is not installed, and Podman does not replace it; $install"
    else
      echo "Docker Engine is not installed; $install"
    fi
    return
  fi
  if is_podman "$(readlink -f "$(command -v docker)")"; then
    echo "{PODMAN}"
    return
  fi
  case $1 in
    *"ermission denied"*)
      echo "$(id -un) has no permission for Docker's socket (SOCKET); log in as root, or set _sudo to True" ;;
    *"annot connect to the Docker daemon"* | *"ailed to connect to the docker API"*)
      if [ ! -S SOCKET ] && [ -n "$rootless" ]; then
        echo "Docker Engine runs rootless ($rootless), where the host's network is out of its reach; expected one" \
          "that root runs, at SOCKET"
      elif command -v dockerd >/dev/null || [ -S SOCKET ]; then
        echo "Docker Engine does not run ($1); start it: systemctl enable --now docker"
      else
        echo "the docker command is there, but Docker Engine is not installed; $install"
      fi ;;
    *)
      # Of what came before the error itself, such as warnings, nothing helps.
      last=${{1##*
}}
      echo "Docker Engine cannot be used: ${{last:-the docker command fails and prints nothing}}" ;;
  esac
}}
""".replace("SOCKET", SOCKET)
