"""Replays a run's frozen state against an agent called anew, and judges what it tried.

- `freeze_point`: where a replay begins, and what must hold in it; `choose_agent`: whom it calls
- `frozen_state`: what the agent is given: everything before the failing turn
- `agent_loops`: the two usual tool loops, for agents that have none of their own
- `tool_answers`: answers to calls: reads from the recording, writes refused
- `agent_process`, `inside_agent_process`: the child process, contained, and what runs in it
- `protocol`: the lines that parent and child exchange
- `asserts`: outcome asserts over what was attempted; `overrides`: what people add
- `trials`: N times, and what that proves; `prove`: the incident told from its fix
- `suite`, `suite_export`: the fixtures of a library; `report`: in words and in JSON

An agent's own code needs `Frozen`, `Tools` and the loops, nothing else.
"""

from kb.traces.replay.agent_loops import anthropic_loop, openai_loop
from kb.traces.replay.frozen_state import Frozen, Tools

__all__ = ["Frozen", "Tools", "anthropic_loop", "openai_loop"]
