"""Are spans of the Vercel AI SDK read, under the names of its fourth and its fifth version?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from traces_made import run_of, span


@pytest.mark.parametrize("names", [("promptTokens", "completionTokens"),
                                   ("inputTokens", "outputTokens")])  # fmt: skip
def test_a_call_its_result_and_the_tokens(names: tuple[str, str], tmp_path: Path) -> None:
    asks = json.dumps([{"toolCallId": "c1", "toolName": "charge", "input": '{"n": 1}'}])
    prompt = json.dumps([{"role": "user", "content": [{"type": "text", "text": "Renew"}]}])
    usage = {f"ai__usage__{name}": n for name, n in zip(names, (9, 4), strict=True)}
    spans = [
        span(1, "ai.generateText", 0, 9, ai__operationId="ai.generateText"),
        span(2, "ai.generateText.doGenerate", 1, 2, ai__operationId="ai.generateText.doGenerate",
             ai__prompt__messages=prompt, ai__response__toolCalls=asks, ai__response__text="",
             ai__model__id="m", **usage),
        span(3, "ai.toolCall", 3, 5, ai__toolCall__name="charge", ai__toolCall__id="c1",
             ai__toolCall__args='{"n": 1}', ai__toolCall__result='"paid"'),
    ]  # fmt: skip
    run = run_of(tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    (call,) = run.calls
    assert (call.tool, call.arguments, call.id) == ("charge", {"n": 1}, "c1")
    assert (call.result, call.duration_seconds) == ('"paid"', 2.0)
    assert run.trigger.text == "Renew"
    assert [(m.input_tokens, m.output_tokens) for m in run.messages if m.role == "assistant"] == [
        (9, 4)
    ]
