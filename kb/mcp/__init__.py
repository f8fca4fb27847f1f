"""The look-ups of the command line for coding agents, over the Model Context Protocol.

- `server`: what a client is offered; `tools`: each look-up; `resources`, `prompts`
- `answer`: how an answer is marked as data; `lines`: the messages of a client as they come in
"""
