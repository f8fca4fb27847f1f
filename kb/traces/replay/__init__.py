"""Replays a run's frozen state against an agent called anew, and judges what it tried.

- `freeze_point` where a replay begins, and what must hold in it
- `frozen`       what the agent is given: everything before the failing turn
- `loops`        the two usual tool loops, for agents that have none of their own
- `executor`     answers to calls: reads from the recording, writes refused
- `protocol`     the lines that parent and child exchange
- `process`, `child`  the child process, contained, and what runs in it
- `asserts`      outcome asserts over what was attempted, and where their JSONPaths may look
- `overrides`    what people add: asserts, and answers the recording does not hold
- `trials`       N times, and what that proves
- `report`       the same in words and in JSON, without secrets and people

An agent's own code needs `Frozen`, `Tools` and the loops, nothing else.
"""

from kb.traces.replay.frozen_state import Frozen, Tools
from kb.traces.replay.loops import anthropic_loop, openai_loop

__all__ = ["Frozen", "Tools", "anthropic_loop", "openai_loop"]
