"""The look-ups of the command line for coding agents, over the Model Context Protocol.

- `server`: what a client is offered; `tools`: each look-up; `resources`, `prompts`
- `read_messages`: the messages of a client as they come in
- `bounded_answer`: an answer marked as data and kept within a size
- `call_watcher`: how each look-up ended; `http/`: the same look-ups for many clients
"""
