"""Real Debian machines in QEMU, with a kernel, systemd and resolver of their own, emulated where there is no KVM."""
