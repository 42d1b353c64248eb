"""Names of host and group data that are pyinfra's own or the user's: Rollcall leaves their values alone."""

from rollcall.did_you_mean import typo_of

# Data of the user's own, for a deploy.py or templates of theirs.
OWN = "x_"

# Said to pyinfra's --data for one run: roles may be removed. No setting of any host.
CONSENT = "remove_roles"

# Global arguments of operations, which pyinfra also takes from data (pyinfra.api.arguments).
GLOBAL_ARGUMENTS = frozenset(
    {
        "_chdir",
        "_continue_on_error",
        "_doas",
        "_doas_user",
        "_dzdo",
        "_dzdo_user",
        "_env",
        "_get_pty",
        "_if",
        "_ignore_errors",
        "_parallel",
        "_preserve_su_env",
        "_preserve_sudo_env",
        "_retries",
        "_retry_delay",
        "_retry_until",
        "_run_once",
        "_serial",
        "_shell_executable",
        "_stdin",
        "_su_password",
        "_su_shell",
        "_su_user",
        "_success_exit_codes",
        "_sudo",
        "_sudo_password",
        "_sudo_user",
        "_temp_dir",
        "_timeout",
        "_use_su_login",
        "_use_sudo_login",
    }
)
# What the SSH connector reads (pyinfra.connectors.ssh).
SSH = frozenset(
    {
        "ssh_allow_agent",
        "ssh_config_file",
        "ssh_connect_retries",
        "ssh_connect_retry_max_delay",
        "ssh_connect_retry_min_delay",
        "ssh_file_transfer_protocol",
        "ssh_forward_agent",
        "ssh_hostname",
        "ssh_key",
        "ssh_key_password",
        "ssh_known_hosts_file",
        "ssh_look_for_keys",
        "ssh_paramiko_connect_kwargs",
        "ssh_password",
        "ssh_port",
        "ssh_strict_host_key_checking",
        "ssh_user",
    }
)


def is_not_ours(key: str) -> bool:
    """Whether a key of the data is no setting of Rollcall's.

    A name with an underscore may be a helper variable of the file, unless it is a mistyped argument of pyinfra's.
    """
    if key in SSH or key in GLOBAL_ARGUMENTS or key.startswith(OWN):
        return True
    return key.startswith("_") and not typo_of(key, GLOBAL_ARGUMENTS)
