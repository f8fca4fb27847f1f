"""A purge in words: what is done or would be, what is left to a person, and how to rewrite Git."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from kb.erasure.plan import FileCut, Plan
from kb.erasure.remains_in_git import GitRemains, OldFile
from kb.erasure.rewritten_file import Doubt
from kb.humanize import plural

_MOST_LINES = 8
_MOST_COMMITS = 5
_SHORT = 10
_REWRITE = """\
  How to take it out of Git, for the person who may rewrite the history of all:
    1. Commit and push what this command changed. Tell everybody to push, then to stop.
    2. git clone --mirror {url} purge.git && cd purge.git
    3. Save the lines between the rulers as ../replace.txt, outside of any repository.
{forms}
    4. {command}
    5. git push --force --mirror {url}
    6. Ask the host to drop its caches and the refs of closed pull requests.
       Remove what was published, CI artefacts, backups and packages that hold it.
  What to tell those who have a clone: delete it with its stashes and clone anew; neither merge nor
  push an old branch, or all of it comes back. Whoever must keep the clone:
    git fetch --all --prune, reset each branch to its remote, git stash clear,
    git reflog expire --expire=now --all && git gc --prune=now"""


def plan_lines(plan: Plan, *, is_done: bool) -> Iterator[str]:
    """What is done to the working tree, or would be."""
    for change in plan.changes:
        yield _change(change, is_done=is_done)
    for path in plan.removed:
        yield f"{'removed' if is_done else 'would remove'}  {path.as_posix()}, which kb makes anew"
    if not (plan.changes or plan.removed):
        yield "nothing in the library, its editions and caches is certain to be it"
    if plan.doubts:
        yield from ("", "Left to you:")
        yield from _doubts(plan.doubts)


def _change(change: FileCut, *, is_done: bool) -> str:
    done, name = "changed" if is_done else "would change", change.path.as_posix()
    times = f": {plural(change.count, 'place')}" if change.count else ""
    if not change.is_renamed:
        return f"{done}  {name}{times}"
    verb = "renamed" if is_done else "would rename"
    return f"{verb}  {name} to {change.new_path.as_posix()}{times}"


def _doubts(doubts: Iterable[Doubt]) -> Iterator[str]:
    lines: dict[tuple[str, str], list[int]] = {}
    for doubt in doubts:
        lines.setdefault((doubt.path.as_posix(), doubt.why), []).append(doubt.line)
    for (path, why), numbers in lines.items():
        shown = ", ".join(map(str, dict.fromkeys(numbers[:_MOST_LINES])))
        more = " …" if len(numbers) > _MOST_LINES else ""
        yield f"  {path}:{shown}{more}: {why}"


def remains_lines(remains: GitRemains, url: str, word: str) -> Iterator[str]:
    """What Git keeps, and how to rewrite it."""
    if remains.why_unknown:
        yield from ("", f"What Git keeps is not known: {remains.why_unknown}")
        return
    if remains.is_empty:
        yield from ("", "Nothing of it is in what Git keeps here.")
    else:
        yield from ("", "What Git keeps of it, which this command changes nothing of:")
        yield from map(_old_file, remains.files)
        yield from _other_remains(remains)
    if remains.is_shallow:
        yield "  older commits are not in this clone, which is shallow: git fetch --unshallow"
    if remains.unread:
        yield f"  {plural(remains.unread, 'content')} of more than 20 MB: not looked into"
    if not remains.is_empty:
        yield ""
        yield from _rewrite(remains, url, word).split("\n")
        if remains.references:
            yield "  References keep their names: git branch -m OLD NEW, git tag NEW OLD; push."


def _old_file(file: OldFile) -> str:
    shas = " ".join(sha[:_SHORT] for sha in file.commits[:_MOST_COMMITS])
    more = len(file.commits) - _MOST_COMMITS
    where = f" ({file.where})" if file.where else ""
    name = ", in its name" if file.is_name else ""
    return f"  {file.path}{name}{where}: {shas}{f' and {more} more' if more > 0 else ''}"


def _other_remains(remains: GitRemains) -> Iterator[str]:
    if remains.messages:
        shas = " ".join(sha[:_SHORT] for sha in remains.messages[:_MOST_COMMITS])
        more = len(remains.messages) - _MOST_COMMITS
        yield f"  messages of {shas}{f' and {more} more' if more > 0 else ''}"
    for person, count in remains.people:
        yield f"  {person} as author or committer, {plural(count, 'commit')}"
    yield from (f"  the reference {name}" for name in remains.references)
    if remains.unreached:
        yield (
            f"  {plural(remains.unreached, 'content')} that no commit of a branch reaches "
            "(staged, dropped or rewritten)"
        )


def _rewrite(remains: GitRemains, url: str, word: str) -> str:
    ruler = "    " + "-" * 20
    forms = (f"    literal:{form}==>{word}" for form in remains.forms if "\n" not in form)
    lines = [ruler, *forms, ruler]
    if any("\n" in form for form in remains.forms):
        lines.append("    It stands across a line break, too: write these as regex: lines.")
    return _REWRITE.format(
        url=url or "URL", forms="\n".join(lines), command=_command(remains, word)
    )


def _command(remains: GitRemains, word: str) -> str:
    parts = ["git filter-repo --replace-text ../replace.txt --replace-message ../replace.txt"]
    parts += [
        f"--path-rename {quote(f'{file.path}:{word}-{number}')}"
        for number, file in enumerate((f for f in remains.files if f.is_name), 1)
    ]
    if remains.people:
        parts.append(
            f"--mailmap ../mailmap   # a line each: {word} <{word}@example.org> NAME <MAIL>"
        )
    return " \\\n         ".join(parts)
