"""The report for programs: versioned JSON, described by schemas/report.schema.json."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from pgrst_gate import __version__
from pgrst_gate.report import InstanceResult, Report
from pgrst_gate.reporters import drift, wording
from pgrst_gate.schema import Column, Function, Item, Relation, Relationship
from pgrst_gate.verdicts import Verdict

FORMAT_VERSION: Final = 1
"""Rises when a reader of the former format would misread this one; new fields do not raise it."""


def render(report: Report) -> str:
    r"""The report as JSON text, each field on a line and each entry of a list on one of its own.

    The report must be redacted. All is ASCII, and `##[`, which only a string can hold, is written
    with an escape: the text may be printed in a workflow and means what it says.
    """
    fields = (f"{json.dumps(name)}: {_lines(value)}" for name, value in document(report).items())
    return "{{\n{}\n}}\n".format(",\n".join(fields)).replace("##[", r"#\u0023[")


def _lines(value: object) -> str:
    # json.dumps with an indentation runs in Python, five times slower: it is felt with many items.
    if isinstance(value, list) and value:
        return "[\n{}\n]".format(",\n".join(map(json.dumps, value)))
    return json.dumps(value)


def document(report: Report) -> dict[str, object]:
    """The report as plain dictionaries, lists, texts and numbers; times are seconds."""
    return {
        "version": FORMAT_VERSION,
        "generator": {"name": "pgrst-gate", "version": __version__},
        "conclusion": report.conclusion.value,
        "exit_code": report.exit_code,
        "sentence": report.sentence,
        "problem": report.problem and asdict(report.problem),
        "evidence": {"strength": report.evidence.value, "told": report.evidence_told},
        "runtime": report.runtime,
        "server": report.server and asdict(report.server),
        "counts": {"served": len(report.served), "not_served": len(report.not_served)},
        "items": [_verdict(verdict) for verdict in report.verdicts],
        "instances": [_instance(one) for one in report.instances],
        "findings": [asdict(finding) for finding in report.findings],
        "access": [asdict(result) | {"fails": result.fails} for result in report.access],
        "drift": report.drift and drift.document(report.drift),
        "endpoints": [asdict(endpoint) for endpoint in report.endpoints],
        "on_failure": report.on_failure and asdict(report.on_failure),
        "receipts": [asdict(receipt) for receipt in report.receipts],
        "events": [asdict(event) for event in report.events],
        "milestones": asdict(report.milestones),
        "reload_milliseconds": report.reload_milliseconds,
        "attempts": report.attempts,
        "started_at": report.started_at,
        "seconds": report.seconds,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "item": _item(verdict.item),
        "expected": wording.expected(verdict),
        "place": verdict.place,
        "cause": verdict.cause.value,
        "section": wording.section(verdict.cause),
        "ok": verdict.ok,
        "told": list(verdict.told),
        "note": verdict.note,
        "remedy": verdict.remedy,
    }


def _instance(result: InstanceResult) -> dict[str, object]:
    return {
        "name": result.name,
        "url": result.url,
        "evidence": {"strength": result.evidence.value, "told": result.evidence_told},
        "served": result.served,
        "not_served": [
            {"item": str(one.item), "cause": one.cause.value} for one in result.not_served
        ],
    }


def _item(item: Item) -> dict[str, object]:
    return {"kind": item.kind, "text": str(item), "schema": item.schema, **_names(item)}


def _names(item: Item) -> dict[str, object]:
    match item:
        case Relation():
            return {"relation": item.name}
        case Column():
            return {"relation": item.relation.name, "column": item.name, "type": item.type}
        case Function():
            arguments = [{"name": one.name, "type": one.type} for one in item.arguments]
            return {"function": item.name, "arguments": arguments}
        case Relationship():
            return {"relation": item.origin.name, "target": item.target}
