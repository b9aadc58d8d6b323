#!/usr/bin/env python3
"""The image's entrypoint: a step of a workflow, or with arguments the command line."""

import sys

if __name__ == "__main__":
    if sys.argv[1:]:
        from pgrst_gate import cli

        sys.exit(cli.main())

    from pgrst_gate import action

    sys.exit(action.main())
