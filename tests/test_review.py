"""`kb review`: a pull request's comment, from real branches of real repositories."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from kb.lint.rule import ADVICE, ERROR, Problem
from kb.review.advice import ReviewAdvice, ReviewedRecord
from kb.review.branch import RemovedRecord
from kb.review.comment import MARKER, MAX_LENGTH, code, quoted, review_comment

from conftest import EXAMPLE, GIT_ENVIRONMENT, ROOT, Git, git_in
from search_library import write_record

#: What only the extras bring.
EXTRAS = "numpy faiss onnxruntime tokenizers bm25s filelock nh3 markdown_it mkdocs torch"
PROBABILITY = re.compile(r"\d+%")
Answer = tuple[int, str, str]


def run(root: Path, command: list[str]) -> Answer:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env=os.environ | GIT_ENVIRONMENT | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def kb(root: Path, *arguments: str) -> Answer:
    """`kb` as it is installed here."""
    return run(root, ["-m", "kb", *arguments])


def base_kb(root: Path, *arguments: str) -> Answer:
    """`kb` as the base install has it: without any of the extras' packages."""
    block = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}.split()))"
    return run(root, ["-c", f"{block}; from kb.cli import main; main()", *arguments])


def shown(answer: Answer) -> str:
    """The comment, where the command could run."""
    status, out, err = answer
    assert status in {0, 1}, err
    assert out.startswith(MARKER)
    return out


@pytest.fixture
def team(started: Path, tmp_path: Path) -> tuple[Path, Git]:
    """A repository with a knowledge base and two published records, on `main`."""
    root = tmp_path / "team"
    shutil.copytree(started, root)
    return root, git_in(root)


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `team` is a copy of."""
    tmp_path = tmp_path_factory.mktemp("started")
    git = git_in(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    assert kb(tmp_path, "init")[0] == 0
    write_record(
        tmp_path,
        "2025-01-10-refund-twice",
        "Refund agent paid fourteen customers twice after a timeout",
        summary="The refund tool timed out after thirty seconds. The agent called it again, and "
        "fourteen customers were paid twice.",
        counterfactual="An idempotency key in the tool's schema would have stopped the second "
        "call.",
        cause="A timeout was read as a failure, and the call was repeated without a key.",
        actions="- [ ] A1: require an idempotency key in the schema of every tool that moves "
        "money — owner: billing-agents, due: 2099-02-10, lever: code",
    )
    write_record(
        tmp_path,
        "2025-05-14-policy-made-up",
        "Support bot invented a cancellation policy",
        classes="fabricated-content",
        control="output-verifier",
        route="support",
        tools="search",
        summary="The chatbot answered a customer with a cancellation rule that stands in no "
        "policy.",
        counterfactual="A check of each rule against the policy would have caught it.",
        cause="Nothing held the answer against the policy.",
    )
    git("add", "--all")
    git("commit", "--quiet", "--message", "Start a knowledge base")
    return tmp_path


def branch_with(team: tuple[Path, Git], name: str, text: str) -> Path:
    """A commit on a branch that puts a record in place."""
    root, git = team
    git("switch", "--quiet", "--create", "incident")
    path = root / "postmortems" / name
    path.write_text(text, encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Add a postmortem")
    return path


DRAFT = "---\ntitle: A new one\ndate: 2025-06-01\nstatus: draft\n---\n# A new one\n"
NAMES_A_PRIOR = (
    DRAFT + "\n## Counterfactual\n\n- [repeat] [r](2025-01-10-refund-twice.md) — the same retry\n"
)


# The whole way of one pull request.


@pytest.mark.model
def test_a_pull_request_goes_from_faults_to_published(team: tuple[Path, Git]) -> None:
    root, git = team
    before = EXAMPLE.read_text("utf-8")
    submitted = (
        before.replace("status: published", "status: in-review")
        .replace("origin: example", "origin: own")
        .replace("FIRST_OF_CLASS: yes", "FIRST_OF_CLASS: no")
        .replace(" — owner: ledger, due: 2026-06-30, lever: code", " — lever: code")
    )
    shutil.copytree(EXAMPLE.with_suffix(""), root / "postmortems" / EXAMPLE.stem)
    path = branch_with(team, EXAMPLE.name, submitted)

    asks_for_everything(root, submitted)
    verdict = (
        "FIRST_OF_CLASS: no\n```\n\n- [repeat] [2025-01-10-refund-twice]"
        "(2025-01-10-refund-twice.md) — the same retry without a key, fix existed: yes\n"
    )
    fixed = before.replace("status: published", "status: in-review").replace(
        "FIRST_OF_CLASS: yes\n```\n", verdict
    )
    path.write_text(fixed, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", "Answer the review")
    status, _, err = kb(root, "review", "--base", "main", "--output", "comment.md")
    comment = (root / "comment.md").read_text("utf-8")
    assert (status, err) == (0, ""), comment
    assert comment.startswith(MARKER + "\n")
    assert "Has this happened before?" not in comment
    assert "✅ No likely prior incident is without a verdict." in comment
    assert "✅ `kb check` finds no fault." in comment
    assert "✅ prior incident named" in comment

    path.write_text(fixed.replace("status: in-review", "status: published"), encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", "Publish")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "incident", "--message", "Merge the postmortem")
    status, out, _ = kb(root, "check", "--strict", f"postmortems/{EXAMPLE.name}")
    assert (status, out) == (0, "1 record, 0 errors, 0 advice\n")
    assert "No postmortem is new or changed" in shown(kb(root, "review", "--base", "main"))


def asks_for_everything(root: Path, text: str) -> None:
    """The first review: each fault with its line, the prior with its reasons, what is owed."""
    status, _, err = kb(root, "review", "--base", "main", "--output", "comment.md")
    assert (status, err) == (1, "")
    comment = (root / "comment.md").read_text("utf-8")
    line = next(n for n, written in enumerate(text.splitlines(), 1) if "A5:" in written)
    for part in (
        f"| {line} | A5 has no owner or due date; add 'owner: ' and one handle or role",
        "** **Refund agent paid fourteen customers twice after a timeout** (2025-01-10)",
        "Why: same class duplicate-side-effect; same missing control idempotency-key",
        "Promised then: 1 action, 1 still open: require an idempotency key",
        "**Still owed for this class**",
        "<code>2025-01-10-refund-twice#A1</code>",
        "✅ working replay fixture",
        "⬜ prior incident named",
    ):
        assert part in comment
    assert comment.startswith(MARKER + "\n")
    shown = example_in_the_guide()
    if os.environ.get("KB_APPROVE"):
        guide = ROOT / "docs/review.md"
        guide.write_text(guide.read_text("utf-8").replace(shown, comment), encoding="utf-8")
    assert PROBABILITY.sub("%", comment) == PROBABILITY.sub("%", shown)


def example_in_the_guide() -> str:
    """The comment that docs/review.md shows."""
    guide = (ROOT / "docs/review.md").read_text("utf-8")
    return guide.partition("````markdown\n")[2].partition("````\n")[0]


@pytest.mark.model
def test_a_draft_is_told_its_priors_and_not_failed_for_them(team: tuple[Path, Git]) -> None:
    text = (
        "---\ntitle: Refunds were paid twice again\ndate: 2025-06-01\nstatus: draft\n"
        "classes: [duplicate-side-effect]\nroute: refunds\ntools: [refund]\n"
        "missing_control: idempotency-key\n---\n# Refunds were paid twice again\n\n## Summary\n\n"
        "The refund tool timed out, the agent called it again, and customers were paid twice.\n"
    )
    branch_with(team, "2025-06-01-refunds-again.md", text)
    status, out, err = kb(team[0], "review", "--base", "main")
    assert (status, err) == (0, "")
    assert "💬 **1 record · 0 faults · 1 likely prior incident without a verdict" in out
    assert "Has this happened before?" in out


@pytest.mark.model
def test_a_model_that_the_branch_names_is_not_loaded(team: tuple[Path, Git]) -> None:
    root, _ = team
    settings = root / "kb.toml"
    text = settings.read_text("utf-8").replace("[search]", '[search]\nmodel = "evil"')
    (root / "evil").mkdir()
    (root / "evil/tokenizer.json").write_text("{}")
    (root / "evil/model.onnx").write_text("no graph")
    settings.write_text(text, encoding="utf-8")
    branch_with(team, "2025-06-01-x.md", DRAFT)
    status, out, err = kb(root, "review", "--base", "main")
    assert (status, err) == (0, "")
    assert "✅ No likely prior incident is without a verdict." in out
    assert "This branch changes <code>kb.toml</code>" in out


# What a branch may do.


def test_the_base_install_is_enough_and_says_what_was_not_looked_up(team: tuple[Path, Git]) -> None:
    branch_with(team, "2025-06-01-x.md", DRAFT)
    status, out, err = base_kb(team[0], "review", "--base", "main")
    assert (status, err) == (0, "")
    assert "✅ **1 record · 0 faults · 0 open promises of the same class**" in out
    assert "➖ Earlier incidents were not looked up: the extra 'search' is not installed." in out


def test_a_branch_without_records_says_so(team: tuple[Path, Git]) -> None:
    root, git = team
    git("switch", "--quiet", "--create", "docs")
    (root / "README.md").write_text("# Ours\n")
    (root / "postmortems/notes.md").write_text("# Notes\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Notes")
    status, out, _ = base_kb(root, "review", "--base", "main")
    assert (status, out) == (
        0,
        f"{MARKER}\n\n## Postmortem review\n\nNo postmortem is new or changed in this branch.\n",
    )


def test_a_record_that_is_not_committed_yet_is_reviewed_too(team: tuple[Path, Git]) -> None:
    (team[0] / "postmortems/2025-06-01-x.md").write_text(DRAFT, encoding="utf-8")
    assert "### A new one" in shown(base_kb(team[0], "review"))


def test_other_peoples_records_on_the_main_line_are_not_reviewed(team: tuple[Path, Git]) -> None:
    root, git = team
    branch_with(team, "2025-06-01-x.md", DRAFT)
    git("switch", "--quiet", "main")
    (root / "postmortems/2025-07-01-theirs.md").write_text(DRAFT.replace("06", "07"))
    git("add", "--all")
    git("commit", "--quiet", "--message", "Theirs")
    git("switch", "--quiet", "incident")
    out = shown(base_kb(root, "review", "--base", "main"))
    assert "2025-06-01-x" in out
    assert "theirs" not in out


def test_a_deleted_record_is_named_with_what_goes_with_it(team: tuple[Path, Git]) -> None:
    root, git = team
    branch_with(team, "2025-06-01-x.md", NAMES_A_PRIOR)
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "incident")
    git("switch", "--quiet", "--create", "deletes")
    (root / "postmortems/2025-01-10-refund-twice.md").unlink()
    status, out, _ = base_kb(root, "review", "--base", "main")
    assert status == 1
    assert "⚠️ <code>postmortems/2025-01-10-refund-twice.md</code> is deleted" in out
    assert "It is named as an earlier incident by <code>2025-06-01-x</code>." in out
    assert "1 open promise would go with it." in out
    assert 'no record "2025-01-10-refund-twice"' in out  # the fault in the record that names it


def test_a_renamed_record_is_recognised(team: tuple[Path, Git]) -> None:
    root, git = team
    git("switch", "--quiet", "--create", "renames")
    git("mv", "postmortems/2025-01-10-refund-twice.md", "postmortems/2025-01-10-refunds.md")
    git("commit", "--quiet", "--message", "Rename")
    out = shown(base_kb(root, "review", "--base", "main"))
    assert (
        "⚠️ <code>postmortems/2025-01-10-refund-twice.md</code> is renamed to "
        "<code>2025-01-10-refunds</code>." in out
    )
    assert "open promise would go" not in out


def test_evidence_that_changes_counts_as_its_record(team: tuple[Path, Git]) -> None:
    root, git = team
    git("switch", "--quiet", "--create", "evidence")
    folder = root / "postmortems/2025-01-10-refund-twice"
    folder.mkdir()
    (folder / "fixture.json").write_text("{}")
    assert "<code>postmortems/2025-01-10-refund-twice.md</code> · published" in shown(
        base_kb(root, "review", "--base", "main")
    )


def test_a_record_that_cannot_be_read_is_in_the_comment(team: tuple[Path, Git]) -> None:
    branch_with(team, "2025-06-01-x.md", DRAFT.replace("title: A new one", "title: a: b: c"))
    status, out, _ = base_kb(team[0], "review", "--base", "main")
    assert status == 1
    assert "<code>KB107</code> yaml-syntax" in out


def test_what_a_record_silences_is_shown(team: tuple[Path, Git]) -> None:
    silenced = DRAFT.replace("title:", "# kb: allow unknown-word — a word of ours\ntitle:")
    branch_with(team, "2025-06-01-x.md", silenced.replace("status: draft", "status: open"))
    out = shown(base_kb(team[0], "review", "--base", "main"))
    assert "🔕 Rules this record silences:\n\n- unknown-word — a word of ours" in out


def test_a_library_in_a_folder_of_the_repository_is_reviewed(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    root = tmp_path / "incidents"
    (root / "postmortems").mkdir(parents=True)
    (root / "kb.toml").write_text("")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Start")
    (root / "postmortems/2025-06-01-x.md").write_text(DRAFT)
    link = "https://example.org/tree"
    out = shown(base_kb(root, "review", "--base", "main", "--link", link))
    assert "[A new one](https://example.org/tree/incidents/postmortems/2025-06-01-x.md)" in out


# Where it cannot run.


def fails(answer: Answer) -> str:
    status, out, err = answer
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err


def test_an_unknown_base_is_an_error_that_says_what_to_do(team: tuple[Path, Git]) -> None:
    err = fails(base_kb(team[0], "review", "--base", "mian"))
    assert "no commit, branch or tag 'mian'" in err
    assert "git log" in err


def test_without_a_main_line_the_error_asks_for_one(team: tuple[Path, Git]) -> None:
    root, git = team
    git("branch", "--quiet", "--move", "main", "trunk")
    assert "kb review --base REV" in fails(base_kb(root, "review"))


def test_without_git_the_error_says_so(library_folder: Path) -> None:
    err = fails(base_kb(library_folder, "review"))
    assert "a review compares with Git" in err
    assert "git init" in err


def test_a_shallow_clone_is_told_how_to_get_the_rest(
    team: tuple[Path, Git], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, git = team
    branch_with(team, "2025-06-01-x.md", DRAFT)
    git("switch", "--quiet", "main")
    (root / "README.md").write_text("# On\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Main goes on")
    clone = tmp_path_factory.mktemp("clone") / "shallow"
    git("clone", "--quiet", "--depth=1", "--branch=incident", f"file://{root}", str(clone))
    for arguments in ((), ("--base", "origin/main")):
        assert "git fetch --unshallow" in fails(base_kb(clone, "review", *arguments))
    git_in(clone)("fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    err = fails(base_kb(clone, "review", "--base", "origin/main"))
    assert "no common commit" in err
    assert "git fetch --unshallow" in err
    git_in(clone)("fetch", "--quiet", "--unshallow", "origin")
    assert "### A new one" in shown(base_kb(clone, "review", "--base", "origin/main"))


def test_a_file_that_cannot_be_written_is_an_error(team: tuple[Path, Git]) -> None:
    err = fails(base_kb(team[0], "review", "--base", "main", "--output", "nowhere/comment.md"))
    assert "cannot be written" in err


# What hostile text may not do.

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</summary></details><!-- kb-review -->",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "@everyone @acme/team bob@example.org",
    "#12 GH-12 acme/x#12 !7 $3 %4 ~bug &5 ^6",
    "https://evil.example www.evil.example mailto:a@evil.example",
    "a | b | c\n| d | e |",
    "`` `code` ``` fence",
    "$x^2$ and $$y$$",
    "\u202egnp.exe\u2066 \u200bx\u200b \x1b[2J\x00",
    "*bold* _it_ ~~no~~ **strong**",
)


def record_with(text: str, **changes: object) -> ReviewedRecord:
    problem = Problem(PurePosixPath("x.md"), 3, 1, "KB113", "unknown-word", ERROR, text)
    fields = {
        "id": "2025-06-01-x",
        "path": PurePosixPath("postmortems/2025-06-01-x.md"),
        "title": text,
        "problems": (problem,),
        "silenced": ((text, text),),
        "facts": (text,),
        "classes": (text,),
        "evidence": (("replay", True),),
    }
    return ReviewedRecord(**(fields | changes))  # type: ignore[arg-type]


def rendered(comment: str) -> str:
    """The comment as CommonMark with tables, raw HTML let through: what a host starts from."""
    markdown_it = pytest.importorskip("markdown_it", reason="the extra site is not installed")
    renderer = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    return str(renderer.render(comment))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str) -> None:
    removed = RemovedRecord(PurePosixPath("postmortems/a.md"), "", (text,), ())
    comment = review_comment(ReviewAdvice((record_with(text),), (removed,), 1, text))
    page = rendered(comment)
    tags = set(re.findall(r"<(/?[a-zA-Z][a-zA-Z0-9]*)", page))
    opened = {tag for tag in tags if not tag.startswith("/")}
    known = "h2 h3 p br strong code table thead tbody tr th td sub ul li details summary span"
    assert opened <= set(known.split())
    assert page.count("<tr>") == 2
    assert page.count("<!--") == 1
    plain = re.sub(r"<code>.*?</code>", "", page)
    assert not re.search(r"[@#!%^](?=\w)|[\w.+-]@|GH-\d|&amp;(?=\d)|\$\w", plain)
    assert not re.search(r"https?://|www\.|mailto:", page)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x1b]", comment)
    assert not any(line.lstrip().startswith("/") for line in comment.splitlines())


def test_text_in_code_type_can_be_copied_as_it_is() -> None:
    page = rendered(code("2025-01-10-a_b*c#A1 <x> | y"))
    assert "<code>2025-01-10-a_b*c#A1 &lt;x&gt; | y</code>" in page


def test_ordinary_text_stays_readable() -> None:
    assert quoted("clocks needs detected; give the time, or 'unknown'") == (
        "clocks needs detected; give the time, or 'unknown'"
    )
    assert quoted("a" * 600).endswith("…")
    assert len(quoted("a" * 600)) == 500


def test_a_comment_never_outgrows_what_hosts_take() -> None:
    problems = tuple(
        Problem(PurePosixPath("x.md"), line, 1, "KB113", "unknown-word", severity, "$" * 5000)
        for line in range(1, 100)
        for severity in (ERROR, ADVICE)
    )
    long = record_with("x" * 5000, problems=problems)
    short = record_with("fine", problems=())
    comment = review_comment(ReviewAdvice((short, *([long] * 3000)), (), 1))
    assert len(comment) <= MAX_LENGTH + 200
    assert len(comment.encode("utf-16-le")) // 2 < 65_000
    assert "- <code>postmortems/2025-06-01-x.md</code>: 99 faults" in comment
    assert re.search(r"… and [\d,]+ more records", comment)
    assert comment.count("<details>") == comment.count("</details>")


def test_records_with_something_to_do_come_first() -> None:
    clean, faulty = record_with("clean", problems=()), record_with("faulty")
    comment = review_comment(ReviewAdvice((clean, faulty), (), 1))
    assert comment.index("### faulty") < comment.index("### clean")


# What a branch brings that is no record, and what it may not choose.

LEAK = "gh" + "p_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4hJ6"


def committed(team: tuple[Path, Git], files: dict[str, str]) -> Path:
    """A commit on a branch that puts files in place, by their paths."""
    root, git = team
    git("switch", "--quiet", "--create", "incident")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message", "Add files")
    return root


@pytest.mark.parametrize(
    "name",
    ["2026-05-01 Agent Broke.md", "2026-5-1-agent.md", "2026-05-01-agent.markdown",
     "more/2026-05-01-agent.md"],
)  # fmt: skip
def test_a_record_of_a_wrong_name_or_place_is_a_fault_of_the_branch(
    team: tuple[Path, Git], name: str
) -> None:
    text = DRAFT.replace("status: draft", "status: draft\nroute: refunds\nclasses: [tool-misuse]")
    root = committed(team, {f"postmortems/{name}": text})
    status, out, _ = base_kb(root, "review", "--base", "main")
    assert status == 1, out
    assert "bad-file-name" in out
    status, out, _ = base_kb(root, "check", "--changed-since", "main")
    assert status == 1, out
    assert "bad-file-name" in out


@pytest.mark.parametrize(
    "name", ["notes.md", "notes.txt", "agent/trace.json", "2026-05-01-gone/t.log"]
)
def test_a_key_in_a_file_of_no_record_is_a_fault_of_the_branch(
    team: tuple[Path, Git], name: str
) -> None:
    root = committed(team, {f"postmortems/{name}": f"first line\nused {LEAK}\n"})
    for command in (("review", "--base", "main"), ("check", "--changed-since", "main"),
                    ("check", f"postmortems/{name}")):  # fmt: skip
        status, out, err = base_kb(root, *command)
        assert status == 1, (command, out, err)
        assert "KB90" in out
        assert LEAK not in out


def test_a_file_of_no_record_without_a_fault_is_no_fault(team: tuple[Path, Git]) -> None:
    root = committed(team, {"postmortems/README.md": "# Read me\n", "postmortems/a.txt": "a\n"})
    status, out, _ = base_kb(root, "review", "--base", "main")
    assert (status, "No postmortem is new or changed" in out) == (0, True)
    assert base_kb(root, "check", "postmortems/README.md")[0] == 0


def test_changed_evidence_has_its_record_checked(team: tuple[Path, Git]) -> None:
    name = "postmortems/2025-01-10-refund-twice"
    root = committed(team, {f"{name}/t.log": f"used {LEAK}\n"})
    for command in (("check", "--changed-since", "main"), ("check", f"{name}/t.log")):
        status, out, _ = base_kb(root, *command)
        assert status == 1
        assert "1 record," in out
        assert "KB902" in out


def test_a_branch_that_moves_the_library_fails_its_review(team: tuple[Path, Git]) -> None:
    root, git = team
    git("switch", "--quiet", "--create", "incident")
    (root / "kb.toml").write_text('[library]\npath = "other"\n', encoding="utf-8")
    (root / "other").mkdir()
    record = root / "postmortems/2025-01-10-refund-twice.md"
    record.write_text(record.read_text("utf-8") + f"\n{LEAK}\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Move it")
    status, out, err = base_kb(root, "review", "--base", "main")
    assert status == 1, err
    assert 'library.path: "postmortems" → "other"' in html.unescape(out)
    assert "KB901" in out
    assert LEAK not in out


def test_a_branch_cannot_switch_off_the_rules_on_secrets(team: tuple[Path, Git]) -> None:
    root, git = team
    git("switch", "--quiet", "--create", "incident")
    (root / "kb.toml").write_text(
        '[check]\ndisable = ["secret", "future-date"]\nword_budget = 9000\n'
        '[[form.scope]]\nfiles = ["*"]\ndisable = ["secret"]\n',
        encoding="utf-8",
    )
    record = root / "postmortems/2025-01-10-refund-twice.md"
    record.write_text(record.read_text("utf-8") + f"\n{LEAK}\n", encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", "Switch it off")
    status, out, err = base_kb(root, "review", "--base", "main")
    assert status == 1, err
    assert "KB901" in out
    out = html.unescape(out).replace("\\", "")
    assert 'check.disable: [] → ["secret","future-date"]' in out
    assert "check.word_budget: 1500 → 9000" in out
    assert 'form.scope: [] → [{"files":["*"]' in out
