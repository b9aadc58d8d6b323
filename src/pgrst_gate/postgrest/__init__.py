"""All that is known of PostgREST: versions, questions, answers, admin server, log lines.

Facts come from recordings of real servers (tests/contract/recordings) and from PostgREST's sources;
nothing outside this package knows a PGRST code or a header of PostgREST's.
"""
