"""Replays a run's frozen state against an agent called anew, and judges what it tried.

- `frozen`     what the agent is given: everything before the failing turn
- `shapes`     that state as OpenAI or Anthropic messages
- `loops`      the two usual tool loops, for agents that have none of their own
- `executor`   what a call is answered: reads from the tape, writes refused
- `protocol`   the lines that parent and child exchange
- `process`    the child process, contained
- `surroundings` what of our environment it may find
- `child`      what runs in it
- `judge`      outcome asserts over what was attempted
- `paths`      where their JSONPaths may look
- `known`      what people add: asserts, and answers the tape does not hold
- `trials`     N times, and what that proves
- `disclosing` the same without secrets and people
- `report`     the same in words and in JSON

An agent's own code needs `Frozen`, `Tools` and the loops, nothing else.
"""

from kb.traces.replay.frozen import Frozen, Tools
from kb.traces.replay.loops import anthropic_loop, openai_loop

__all__ = ["Frozen", "Tools", "anthropic_loop", "openai_loop"]
