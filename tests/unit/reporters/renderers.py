"""Every reporter, as a function from a report to all that it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from pgrst_gate.report import Format, Report
from pgrst_gate.reporters import console, formats, github, markdown
from pgrst_gate.reporters.outputs import OUTPUTS

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
PIPELINE: Final = ".github/workflows/deploy.yml"


def annotated(report: Report) -> str:
    """All that the annotations say, and where."""
    return "".join(
        f"{one.level} {one.title} {f'{one.file}:{one.line}' if one.file else ''}\n{one.message}\n\n"
        for one in github.remarks(report)
    )


def outputs(report: Report) -> str:
    """All that the outputs hold."""
    return "\n".join(output.of(report, "report.json") for output in OUTPUTS)


def written(form: Format) -> Callable[[Report], str]:
    """The reporter of a format."""
    return partial(formats.render, form=form, pipeline=PIPELINE)


RENDERERS: Final[dict[str, Callable[[Report], str]]] = {
    "console": console.render,
    "summary": markdown.render,
    "comment": partial(markdown.comment, gate="staging", pages="", run="https://ci.example/run/7"),
    "annotations": annotated,
    "outputs": outputs,
    **{form: written(form) for form in FORMATS},
}
