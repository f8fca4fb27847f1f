"""Is a streamed answer put together before it is read?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_traces_made import model_stream
from traces_made import lines, run_of


def test_a_stream_as_it_was_sent_is_one_answer(tmp_path: Path) -> None:
    run = run_of(tmp_path, model_stream("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.is_answered) == ("charge", {"note": "7781"}, False)
    (answer,) = run.messages
    assert (answer.text, answer.model, answer.input_tokens) == ("7781", "m", 9)
    assert (run.id, run.state.prompt.text) == ("r1", "Be kind, 7781")


def test_what_was_whole_before_the_stream_was_cut_off_is_read(tmp_path: Path) -> None:
    text = model_stream("7781").split("event: response.completed")[0]
    (call,) = run_of(tmp_path, text).calls
    assert call.arguments == {"note": "7781"}


def test_chunks_of_a_chat_and_events_of_anthropic_are_read_line_by_line(tmp_path: Path) -> None:
    def chunk(name: str, **delta: Any) -> dict[str, Any]:
        return {"id": name, "object": "chat.completion.chunk", "choices": [{"delta": delta}]}

    rows = [chunk("a", content="Ren"), chunk("a", content="ewed"), chunk("b", content="Paid")]
    assert [m.text for m in run_of(tmp_path, lines(*rows)).messages] == ["Renewed", "Paid"]
    told = [
        {"type": "message_start", "message": {"id": "m1", "model": "m", "role": "assistant"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    assert [m.text for m in run_of(tmp_path, lines(*told)).messages] == ["Hi"]


def test_a_failed_answer_says_why(tmp_path: Path) -> None:
    error = {"code": "rate_limit", "message": "slow down"}
    rows = [{"type": "response.created", "response": {"id": "r1", "object": "response"}},
            {"type": "response.failed", "response": {"id": "r1", "error": error}}]  # fmt: skip
    text = "".join(f"data: {json.dumps(row)}\n\n" for row in rows)
    last = run_of(tmp_path, text).steps[-1]
    assert (last.name, last.text) == ("rate_limit", "slow down")  # type: ignore[union-attr]
