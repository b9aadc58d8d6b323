"""A stand-in PostgREST over a real PostgreSQL, for tests and the demo; never part of the product.

What it is: one process that reads `pg_catalog` into a schema cache, answers HTTP from that cache
as PostgREST of the version it imitates would, and runs the SQL of a request for real, as the role
of the request, so that grants, row-level security, triggers and functions are PostgreSQL's own. It
reloads on SIGUSR1 and NOTIFY, fails reloads, dies on SIGHUP, and has the admin server and the log.

What it is not: PostgREST. It knows the requests that the gate sends and the plain ones of a demo.
`docs/stand-in.md` lists both sides; `tests/contract` holds it to recordings of real servers.
"""
