"""`python -m pgrst_sandbox`: run one stand-in, configured by PGRST_* environment variables."""

import signal

# PostgREST reloads on SIGUSR1, Python dies of it: ignore it while the rest is imported. Nothing is
# lost, because the first load is still to come.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
# Under nohup it would be ignored, and no SIGHUP would end the versions that die of it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

import argparse  # noqa: E402 - after the signals
import os  # noqa: E402
import sys  # noqa: E402

import uvloop  # noqa: E402

from pgrst_sandbox.config import Config, ConfigError  # noqa: E402
from pgrst_sandbox.dialect import RECORDED, dialect  # noqa: E402
from pgrst_sandbox.server import serve  # noqa: E402


def main() -> int:
    """Serve until told to stop. Exit status 1: no port; 2: a configuration that makes no sense."""
    default = os.environ.get("PGRST_SANDBOX_VERSION", "14.14")
    # The real one's help begins with its name and version, too.
    about = f"PostgREST {default}, imitated. {__doc__}"
    parser = argparse.ArgumentParser(prog="pgrst_sandbox", description=about)
    parser.add_argument(
        "--version",
        default=default,
        help=f"the PostgREST to imitate, {', '.join(RECORDED)} or one between"
        " (default: $PGRST_SANDBOX_VERSION, or 14.14)",
    )
    version: str = parser.parse_args().version
    try:
        imitated = dialect(version)
        config = Config.from_environment(os.environ)
    except (ValueError, ConfigError) as error:
        parser.error(str(error))
    try:
        uvloop.run(serve(config, imitated))
    except* OSError as errors:
        parser.exit(1, f"pgrst_sandbox: {errors.exceptions[0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
