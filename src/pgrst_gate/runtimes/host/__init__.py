"""PostgREST on a machine itself: a unit of systemd, or a plain process."""
