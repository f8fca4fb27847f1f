"""`RunBuilder`: joins what importers read, in the order of the source, into steps of one run.

Importers say what they see, in the order of the source; the builder joins what belongs together:
a call told by the model and by the span that ran it, an answer and its call, a message that comes
back in every later request. Steps on it are frozen values that are replaced, never changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, cast

from msgspec.structs import replace

from kb.errors import KbError
from kb.traces.decoding.row_account import RowAccount
from kb.traces.normalize.chat_message import (
    ChatMessage,
    MessagePart,
    PartKey,
    ToolCallRequest,
    ToolResult,
    call_key,
    message_parts,
    only,
)
from kb.traces.normalize.pending_calls import CallsByArguments, KnownResults, PendingCalls
from kb.traces.run import (
    Agent,
    Event,
    Failure,
    ImportWarnings,
    Message,
    Prompt,
    Request,
    Step,
    ToolCall,
    ToolDefinition,
)


class CallIds:
    """The calls of a builder by the ids they were told under; calls are numbers of steps."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._given_again: dict[str, list[int]] = {}
        self._free = 0

    def latest(self, call_id: str) -> int | None:
        """The call that was given an id last."""
        return self._latest.get(call_id)

    def has(self, call_id: str) -> bool:
        """Whether a call was given an id."""
        return call_id in self._latest

    def all(self, call_id: str) -> list[int]:
        """The calls that were given an id, in that order."""
        only = self._latest.get(call_id)
        return self._given_again.get(call_id) or ([] if only is None else [only])

    def give(self, call_id: str, call: int) -> None:
        """A new call has this id; an answer that names it from now on is the answer of this one."""
        if call_id in self._latest:
            self._given_again.setdefault(call_id, self.all(call_id)).append(call)
        self._latest[call_id] = call

    def know(self, call_id: str, call: int) -> None:
        """A known call goes by this id too; ids that are given already stay."""
        self._latest.setdefault(call_id, call)

    def free(self, number: int) -> str:
        """An id that nobody has: `call-N` with N from that number on; the numbers only grow."""
        self._free = max(self._free, number)
        while f"call-{self._free}" in self._latest:
            self._free += 1
        return f"call-{self._free}"


class RequestNumbers:
    """One list of messages while it is read, and which asking of its id each call is.

    An id that is asked for again after it was answered in that list stands for a further call.
    Two lists of one run tell the same calls, and the n-th of an id is the same one in both.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._numbers: dict[str, int] = {}

    def numbered(self, message: ChatMessage) -> ChatMessage:
        """The message with `nth` set in its calls; messages are given in their order."""
        if not (message.calls or message.answers):
            return message
        calls = []
        for asked in message.calls:
            if asked.id in self._answered:
                self._answered.remove(asked.id)
                self._numbers[asked.id] = self._numbers.get(asked.id, 1) + 1
            calls.append(replace(asked, nth=self._numbers.get(asked.id, 1)))
        self._answered.update(answer.call_id for answer in message.answers if answer.call_id)
        return replace(message, calls=tuple(calls)) if calls else message


class ToldInContext:
    """What the messages of one context told; its pieces are counted when a second request comes."""

    def __init__(self) -> None:
        self.askings = RequestNumbers()
        self.said: list[ChatMessage] = []
        self._seen: Counter[PartKey] = Counter()

    def counted(self) -> Counter[PartKey]:
        """How often each piece was told so far."""
        for said in self.said:
            self._seen.update(key for key, _ in message_parts(said))
        self.said = []
        return self._seen


def asked_call(asked: ToolCallRequest, base: Message, asked_in: int | None) -> ToolCall:
    """A call that is known from the message that asks for it."""
    return ToolCall(
        tool=asked.tool,
        id=asked.id,
        arguments=asked.arguments,
        is_answered=False,
        asked_in=asked_in,
        parent=base.parent,
        agent=base.agent,
        started=base.ended or base.started,
        where=base.where,
        source=asked.source,
    )


def joined_call(asked: ToolCall, ran: ToolCall) -> ToolCall:
    """One call of its two tellings: times and result of the span, id and place of the message."""
    return replace(
        ran,
        id=asked.id if not asked.id.startswith("call-") or not ran.id else ran.id,
        arguments=asked.arguments if ran.arguments in ({}, None, "") else ran.arguments,
        result=ran.result if ran.is_answered else asked.result,
        is_answered=ran.is_answered or asked.is_answered,
        failure=ran.failure or asked.failure,
        asked_in=asked.asked_in,
        parent=ran.parent or asked.parent,
        agent=ran.agent or asked.agent,
        source={**asked.source, **ran.source},
    )


def was_over(known: ToolCall, again: ToolCall) -> bool:
    """Whether a call was answered before the same was asked for; a copied row has its time."""
    is_copy = known.started is not None and known.started == again.started
    return known.is_answered and not is_copy


def is_one_run(known: ToolCall, call: ToolCall) -> bool:
    """Whether two spans tell one execution: one runs within the time of the other."""
    if not (known.started and known.ended and call.started):
        return call.started == known.started
    return known.started <= call.started <= known.ended


def result_alone(answer: ToolResult, base: Message) -> Event:
    """A result whose call the trace does not hold."""
    text = answer.result if isinstance(answer.result, str) else ""
    source = {} if text else {"result": answer.result}
    return Event(
        kind="result",
        name=answer.tool or answer.call_id,
        text=text,
        failure=answer.failure,
        parent=base.parent,
        agent=base.agent,
        started=base.started,
        where=base.where,
        source={**source, **answer.source},
    )


def message_of(message: ChatMessage, base: Message, turn: int = 0) -> Message:
    """A message of any dialect; `base` holds its times, usage and place."""
    return replace(
        base,
        role=message.role,
        text=message.text,
        reasoning=message.reasoning,
        parts=message.parts,
        turn=turn,
        agent=message.agent or base.agent,
        finish_reasons=base.finish_reasons or ((message.finish,) if message.finish else ()),
        source={**base.source, **message.source},
    )


#: The other telling of a call is among the first that wait for one.
_NEAR = 64


def _near(steps: list[int], first: int) -> Iterator[int]:
    """The steps from a place of their list on, as many as are looked at."""
    return (steps[place] for place in range(first, min(first + _NEAR, len(steps))))


#: A run lies in memory as a whole, some 800 bytes a short message: 990,000 took 800 MB and 97 s of
#: the processor, so the longest takes half of that. Recorded runs have a few thousand steps.
MOST_STEPS = 500_000


class RunBuilder:
    """One run as its source tells it; `kb.traces.read_runs` makes a `Run` of it.

    `rows` is the account of the source: what is in the run, or was on it already, is said
    of the row at hand.
    """

    def __init__(self, rows: RowAccount, place: str = "", run_id: str = "") -> None:
        self.rows = rows
        self.place = place
        self.id = run_id
        self.conversation = ""
        self.task = ""
        self.agent = Agent()
        self.request = Request()
        self.prompt = Prompt()
        self.tools: dict[str, ToolDefinition] = {}
        self.steps: list[Step] = []
        self.source: dict[str, Any] = {}
        self.notes = ImportWarnings()
        self.tells_errors = False
        """Whether the source marks every result that is an error, so that none shows by its words
        alone."""
        self._ids = CallIds()
        #: The turn that a message belongs to if the steps are in their order, which most are.
        self._turn = 0
        self._calls = CallsByArguments()
        self._not_run_from: dict[str, int] = {}
        self._waiting = PendingCalls()
        self._known = KnownResults(self.steps)
        self._told: dict[str, ToldInContext] = {}
        self._early: dict[str, list[tuple[int, ToolResult, Message]]] = {}
        self._early_count = 0

    def _append(self, step: Step) -> None:
        if len(self.steps) >= MOST_STEPS:
            raise KbError(
                f"holds a run of more than {MOST_STEPS:,} steps, which is more than kb reads",
                where=self.place,
                todo="Split the trace: one conversation or task a file.",
            )
        self.rows.used()
        self.steps.append(step)

    @property
    def has_steps(self) -> bool:
        """Whether anything that was said or done is in the run."""
        return bool(self.steps or self._early)

    # What is said

    def say(self, message: Message) -> int:
        """Add a message; the number of its step."""
        self._append(message)
        return len(self.steps) - 1

    def leave_out(self, what: str, which: str = "") -> None:
        """Note that the row at hand is passed over: `what` such rows are, and `which` this is."""
        self.notes.add(f"{what} were left out", which)
        self.rows.left_out(f"{what}: {which}" if which else what)

    def add_message(self, message: ChatMessage, base: Message) -> int | None:
        """Add a message of any dialect: answers, words, then the calls it asks for.

        `base` holds what the dialect does not: agent, times, usage, place. The step of the words,
        None when there are none.
        """
        for answer in message.answers:
            self.answer(answer, base)
        step, has_words = None, message.has_words
        if has_words or (message.role == "assistant" and not message.answers):
            self._turn += message.role == "user" and not base.parent
            step = self.say(message_of(message, base, self._turn))
        for asked in message.calls:
            self.ask(asked, base, step)
        if not (has_words or message.calls or message.answers):
            self.rows.left_out("messages without words")
        return step

    def add_history(
        self, history: Iterable[tuple[ChatMessage, Message]], context: str = ""
    ) -> None:
        """Add what of a request's messages it does not hold yet.

        Requests repeat all that was said before. The n-th time a piece stands in one of them is
        the same piece as the n-th time in another one of that context.
        """
        known = self._told.get(context)
        if known is None:
            self._add_first_history(history, context)
            return
        seen, here = known.counted(), Counter[PartKey]()
        askings = known.askings = RequestNumbers()
        for told, base in history:
            message = askings.numbered(told)
            new = self._new_pieces(message, here, seen)
            if new:
                self.add_message(only(message, new), base)
            elif message.has_pieces:
                self.rows.repeated()
            else:
                self.rows.left_out("messages without words")

    def _add_first_history(
        self, history: Iterable[tuple[ChatMessage, Message]], context: str
    ) -> None:
        """Add the messages of the first request of a context: all of them are new."""
        known = self._told[context] = ToldInContext()
        for told, base in history:
            message = known.askings.numbered(told)
            if message.has_pieces:
                known.said.append(message)
                self.add_message(message, base)
            else:
                self.rows.left_out("messages without words")

    def add_completion(self, message: ChatMessage, base: Message, context: str = "") -> int | None:
        """Add the answer of a model; later requests will repeat it."""
        known = self._told.setdefault(context, ToldInContext())
        known.said.append(message)
        return self.add_message(known.askings.numbered(message), base)

    def _new_pieces(
        self, message: ChatMessage, here: Counter[PartKey], seen: Counter[PartKey]
    ) -> list[MessagePart]:
        new: list[MessagePart] = []
        for key, piece in message_parts(message):
            here[key] += 1
            if here[key] > seen[key]:
                seen[key] += 1
                new.append(piece)
            elif isinstance(piece, ToolCallRequest):
                self._know_other_id(piece, here[key])
        return new

    def _know_other_id(self, asked: ToolCallRequest, occurrence: int) -> None:
        steps = self._calls.equal(asked.tool, asked.arguments)
        if asked.id and len(steps) >= occurrence:
            self._ids.know(asked.id, steps[occurrence - 1])

    # What is called

    def ask(self, asked: ToolCallRequest, base: Message, asked_in: int | None = None) -> int:
        """A call the model asked for; joined with the span that ran it when that came first."""
        call = asked_call(asked, base, asked_in)
        if asked.id and self._calls.are_all_asked and not self._ids.has(asked.id):
            return self._place(call, executed=False)  # most calls are
        known = self._asked_before(asked, call)
        if known is None:
            return self._put(call, executed=False)
        self._note_join(is_new_end=not self._calls.is_asked(known))
        self._calls.told(known, self._call_at(known), executed=False)
        if asked.id:
            self._ids.know(asked.id, known)
        if self._call_at(known).asked_in is None:
            self.steps[known] = replace(self._call_at(known), asked_in=asked_in)
        return known

    def _asked_before(self, asked: ToolCallRequest, call: ToolCall) -> int | None:
        """The call that an asking tells again, or that ran before it was asked for.

        None for a call that is new, though its id may be that of an earlier one.
        """
        known = self._ids.all(asked.id)
        if not known:
            return self._same_call(asked.tool, asked.arguments, asked.id, executed=True)
        first = asked.nth - 1 if asked.nth else len(known) - 1
        for step in _near(known, first):
            is_again = not asked.nth and was_over(self._call_at(step), call)
            if not self._calls.is_asked(step) or (self._is_same(step, asked) and not is_again):
                return step
        return None

    def execute(self, call: ToolCall) -> int:
        """A call as the span that ran it tells it; joined with the message that asked for it."""
        known = self._told_before(call)
        if known is None:
            return self._put(call, executed=True)
        is_new_end = not self._calls.is_executed(known)
        self._note_join(is_new_end=is_new_end)
        if is_new_end:
            self._known.executed(known, self._call_at(known).tool)
        self._calls.told(known, self._call_at(known), executed=True)
        self.notes.add("calls told by a message and by a span were joined")
        self.steps[known] = joined_call(self._call_at(known), call)
        self._known.told(known)
        self._ids.know(self._call_at(known).id, known)
        if call.is_answered:
            self._waiting.remove(known)
        return known

    def _told_before(self, call: ToolCall) -> int | None:
        """The call that a span ran; None where it was not told yet, or its id ran once more."""
        known = self._ids.all(call.id)
        if not known:
            return self._same_call(call.tool, call.arguments, call.id, executed=False)
        first = self._not_run_from.get(call.id, 0)
        while first < len(known) and self._calls.is_executed(known[first]):
            first += 1
        self._not_run_from[call.id] = first
        waiting = [step for step in _near(known, first) if not self._calls.is_executed(step)]
        equal = [s for s in waiting if self._is_same(s, call)] if len(waiting) > 1 else waiting
        recorded = [step for step in known[-1:] if is_one_run(self._call_at(step), call)]
        return next(iter(equal or waiting[-1:] or recorded), None)

    def answer(self, answer: ToolResult, base: Message) -> None:
        """The answer of a call; told again it is left out, without its call it waits for it."""
        known = self._ids.latest(answer.call_id)
        if known is None and not answer.call_id:
            known = self._waiting.first(answer.tool)
        if known is None:
            if not answer.call_id and self._known.has(answer):
                self.rows.repeated()
            else:
                self.rows.used()
                self._early_count += 1
                early = self._early.setdefault(answer.call_id, [])
                early.append((self._early_count, answer, base))
            return
        call = self._call_at(known)
        if call.is_answered:
            self.notes.add("results that stand in the trace twice were kept once")
            self.rows.repeated()
            return
        self.rows.used()
        self._waiting.remove(known)
        self._known.told(known)
        self.steps[known] = replace(
            call,
            result=answer.result,
            is_answered=True,
            failure=call.failure or answer.failure,
            ended=call.ended or base.started,
            source={**call.source, **answer.source} if answer.source else call.source,
        )

    def fail(self, call_id: str, failure: Failure) -> None:
        """A call did not do what it was asked for; a failure that is known already stays."""
        call = self.call(call_id)
        if call is not None and call.failure is None:
            self.amend(call_id, failure=failure)

    def call(self, call_id: str) -> ToolCall | None:
        """The call of that id, None when it was not told yet."""
        known = self._ids.latest(call_id)
        return None if known is None else self._call_at(known)

    def amend(self, call_id: str, **changes: Any) -> None:
        """Change what is known of a call; nothing happens for an id that was not told."""
        step = self._ids.latest(call_id)
        if step is not None:
            self.rows.used()
            self.steps[step] = replace(self._call_at(step), **changes)

    def _note_join(self, *, is_new_end: bool) -> None:
        if is_new_end:
            self.rows.used()
        else:
            self.rows.repeated()

    def _call_at(self, step: int) -> ToolCall:
        return cast("ToolCall", self.steps[step])

    def all_steps(self) -> list[Step]:
        """The steps, with the results whose call was never told as events at the end."""
        early = (one for ones in self._early.values() for one in ones)
        for _, answer, base in sorted(early, key=lambda one: one[0]):
            self.notes.add("results whose call the trace does not hold", base.where)
            self._append(result_alone(answer, base))
        self._early = {}
        return self.steps

    def _put(self, call: ToolCall, *, executed: bool) -> int:
        written = call.id
        if not written or self._ids.latest(written) is not None:
            call = replace(call, id=self._ids.free(self._calls.count + 1))
        if not written:
            self.notes.add("calls without an id were numbered")
        elif written != call.id:
            call = replace(call, source={**call.source, "gen_ai.tool.call.id": written})
            self.notes.add("calls with the id of an earlier call were numbered", call.where)
        step = self._place(call, executed=executed)
        if written and written != call.id:
            self._ids.give(written, step)
        return step

    def _place(self, call: ToolCall, *, executed: bool) -> int:
        """A new call with an id that no call has, and the answer that waits for it."""
        step = len(self.steps)
        self._append(call)
        self._ids.give(call.id, step)
        self._calls.add(step, call, executed=executed)
        if executed:
            self._known.executed(step, call.tool)
        if call.is_answered:
            self._known.told(step)
        else:
            self._waiting.add(step, call.tool)
        if self._early:
            self._take_early(call.id)
        return step

    def _take_early(self, call_id: str) -> None:
        """Give a call the answer that stood in the source before it."""
        for _, answer, base in self._early.pop(call_id, ()):
            self.answer(answer, base)

    def _same_call(self, tool: str, arguments: Any, call_id: str, *, executed: bool) -> int | None:
        """The first call with equal arguments that was told from the other end only."""
        for step in islice(self._calls.one_ended(tool, arguments, executed=executed), _NEAR):
            # Two ids of their own are two calls.
            if not call_id or self._call_at(step).id.startswith("call-"):
                return step
        return None

    def _is_same(self, step: int, other: ToolCallRequest | ToolCall) -> bool:
        call = self._call_at(step)
        return call_key(call.tool, call.arguments) == call_key(other.tool, other.arguments)

    # What else happens

    def add_event(self, event: Event, at: Message | None = None) -> None:
        """Add something else that happened, with the time and place of `at` where that is given."""
        self._append(replace(event, started=at.started, where=at.where) if at else event)

    def offer(self, tools: Iterable[ToolDefinition]) -> None:
        """Tools that were offered to the model; the first schema of a name stays."""
        for tool in tools:
            if tool.name:
                self.rows.used()
                self.tools.setdefault(tool.name, tool)
