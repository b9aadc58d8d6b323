"""The ways to a machine: this one, another one over SSH, or the one outside of this container."""
