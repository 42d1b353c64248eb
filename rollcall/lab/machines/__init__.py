"""Run real Debian machines in QEMU, with their own kernel, systemd and resolver; without KVM they are emulated."""
