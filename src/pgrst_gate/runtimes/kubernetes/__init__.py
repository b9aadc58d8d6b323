"""PostgREST in pods: a reload in each, or a rollout of their workload."""
