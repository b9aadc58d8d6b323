"""PostgREST in containers: one by name or label, a service of compose, a service of a Swarm."""
