"""The registrator: tells the local Consul agent which containers of this host run, and where."""
