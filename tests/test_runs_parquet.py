"""Are spans that Phoenix exported as a table read as spans?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.traces.run import Run

from traces_made import runs_in


def table(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = list(dict.fromkeys(key for one in rows for key in one))
    whole = [{key: one.get(key) for key in columns} for one in rows]
    out = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(whole), out)
    (tmp_path / "spans.parquet").write_bytes(out.getvalue())
    return tmp_path / "spans.parquet"


def row(number: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "context.trace_id": "t1",
        "context.span_id": f"s{number}",
        "parent_id": None,
        "name": kind.lower(),
        "span_kind": kind,
        "start_time": f"2026-04-12T03:14:0{number}+00:00",
        "end_time": f"2026-04-12T03:14:0{number + 1}+00:00",
        "attributes.openinference.span.kind": kind,
        **{f"attributes.{key}": value for key, value in more.items()},
    }


def messages(*saids: tuple[str, str]) -> list[dict[str, str]]:
    return [{"message.role": role, "message.content": text} for role, text in saids]


def read(tmp_path: Path) -> Run:
    asks = [{"tool_call.function.name": "charge", "tool_call.id": "c1",
             "tool_call.function.arguments": '{"n": 1}'}]  # fmt: skip
    said = [{"message.role": "assistant", "message.content": "", "message.tool_calls": asks}]
    rows = [
        row(1, "LLM", **{"llm.input_messages": messages(("user", "Renew")),
                         "llm.output_messages": said, "llm.model_name": "m"}),
        row(3, "TOOL", **{"tool.name": "charge", "output.value": "paid",
                          "input.value": '{"n": 1}'}),
    ]  # fmt: skip
    (run,) = runs_in(table(tmp_path, rows))
    return run


def test_messages_in_a_cell_and_calls_in_them_are_read(tmp_path: Path) -> None:
    run = read(tmp_path)
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result, call.id) == ("charge", {"n": 1}, "paid", "c1")
    assert [(m.role, m.text) for m in run.messages] == [("user", "Renew"), ("assistant", "")]
    assert (run.provenance.file, run.provenance.format) == ("spans.parquet", "otlp")


def test_a_torn_table_says_so(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1" + bytes(40))
    with pytest.raises(KbError, match="is no Parquet that can be read"):
        runs_in(tmp_path / "torn.parquet")
