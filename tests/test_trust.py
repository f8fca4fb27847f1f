"""What a repository's settings name outside it, or to run, works only after its user said so."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from kb.config import Config, parse_config, read_config
from kb.errors import KbError
from kb.trusted_settings import TABLE, is_trusted, require, revoke, store, wishes
from kb.user_config import (
    Trusted,
    UserConfig,
    read_user_config,
    user_config_path,
    write_user_config,
)

from conftest import trust_settings
from test_cli import kb

REPLAY = '[runs]\nreplay = "agents.refunds:run"\n'


def settings(root: Path, text: str) -> Config:
    (root / "kb.toml").write_text(text, encoding="utf-8")
    return read_config(root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[library]\npath = "records"\n',
        '[search]\nvectors = "cache/vectors"\n',
        '[search]\nmodel = "sentence-transformers/all-MiniLM-L6-v2"\n',
        '[library]\npath = "."\n',
        '[library]\npath = "a/../b"\n',
        '[runs]\nallow = ["*@acme.example", "10.0.0.*", "192.168.*", "bot"]\n',
    ],
)
def test_a_plain_library_needs_no_trust(library_folder: Path, text: str) -> None:
    config = settings(library_folder, text)
    assert wishes(config, library_folder) == ()
    require(library_folder, config, *(row.key for row in TABLE))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ('[runs]\nallow = ["*"]\n', "runs.allow", "*"),
        ('[runs]\nallow = ["*@acme.example", "sk-*", "?*[!x]"]\n', "runs.allow", "sk-*, ?*[!x]"),
        ('[search]\nvectors = "../x/.ssh"\n', "search.vectors", "../x/.ssh"),
        ('[search]\nvectors = "~"\n', "search.vectors", "~"),
        ('[search]\nmodel = "models/ours"\n', "search.model", "models/ours"),
        ('[search]\nmodel = "somebody/else"\n', "search.model", "somebody/else"),
        (REPLAY, "runs.replay", "agents.refunds:run"),
    ],
)
def test_what_leads_out_or_runs_is_refused_until_it_is_stored(
    library_folder: Path, text: str, key: str, value: str
) -> None:
    config = settings(library_folder, text)
    with pytest.raises(KbError, match="is not trusted here") as raised:
        require(library_folder, config, key)
    assert f"kb trust {key}" in raised.value.todo
    [wish] = wishes(config, library_folder)
    assert (wish.key, wish.value) == (key, value)
    store(library_folder, [wish])
    require(library_folder, config, key)
    assert [row.key for row in revoke(library_folder, [])] == [key]
    assert not is_trusted(library_folder, wish)


def test_a_link_that_leads_out_is_part_of_the_value(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    (library_folder / "cache").symlink_to(one)
    config = settings(library_folder, '[search]\nvectors = "cache"\n')
    [wish] = wishes(config, library_folder)
    assert wish.value == f"cache -> {os.path.relpath(one, library_folder)}"
    trust_settings(library_folder)
    require(library_folder, config, "search.vectors")
    (library_folder / "cache").unlink()
    (library_folder / "cache").symlink_to(other)
    with pytest.raises(KbError, match="is not trusted here"):
        require(library_folder, config, "search.vectors")


def test_a_changed_value_and_another_clone_are_not_trusted(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = settings(library_folder, REPLAY)
    trust_settings(library_folder)
    require(library_folder, config, "runs.replay")
    changed = parse_config(REPLAY.replace("refunds", "evil").encode(), "kb.toml")
    clone = tmp_path_factory.mktemp("clone")
    for root, other in ((library_folder, changed), (clone, config)):
        with pytest.raises(KbError, match="is not trusted here"):
            require(root, other, "runs.replay")


def test_a_link_to_a_library_is_the_same_library(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = settings(library_folder, REPLAY)
    trust_settings(library_folder)
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(library_folder)
    require(link, config, "runs.replay")


def test_ci_passes_the_hash_of_key_and_value(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(library_folder, REPLAY)
    wanted = hashlib.sha256(b"runs.replay=agents.refunds:run").hexdigest()
    status, out, _ = kb("trust", "--hash", cwd=library_folder)
    assert (status, out.split()[0]) == (0, wanted)
    for value in (wanted, wanted.upper(), f"{'0' * 64}, {wanted}\n{'1' * 64}"):
        monkeypatch.setenv("KB_TRUST", value)
        require(library_folder, config, "runs.replay")
    for value in ("", "1", "*", wanted[:-1], hashlib.sha256(b"runs.replay=").hexdigest()):
        monkeypatch.setenv("KB_TRUST", value)
        with pytest.raises(KbError, match="is not trusted here"):
            require(library_folder, config, "runs.replay")


def test_only_the_verbs_that_use_a_value_refuse_it(example_library: Path) -> None:
    config = settings(example_library, f'{REPLAY}[search]\nvectors = "/srv/vectors"\n')
    assert len(wishes(config, example_library)) == 2
    assert kb("check", cwd=example_library)[0] in {0, 1}
    assert kb("metrics", cwd=example_library)[0] == 0
    for verb in (("build",), ("similar", "refund twice"), ("eval",)):
        status, _, err = kb(*verb, cwd=example_library)
        assert (status, "kb trust search.vectors" in err) == (2, True), verb
    assert not Path("/srv/vectors").exists()


@pytest.mark.parametrize(
    "path", ["../postmortems", "a/../../postmortems", "~nobody-of-that-name/x"]
)
def test_records_outside_are_neither_read_nor_written(library_folder: Path, path: str) -> None:
    root = library_folder / "library"
    root.mkdir()
    config = settings(root, f'[library]\npath = "{path}"\n')
    assert wishes(config, root) == ()  # no trust would change it
    for verb in (
        ("check",),
        ("metrics",),
        ("actions",),
        ("new", "A title", "--no-edit"),
        ("init",),
        ("similar", "refund"),
        ("site", "--pages-only"),
        ("review",),
        ("fmt",),
        ("gate", "a-route"),
    ):
        status, _, err = kb(*verb, cwd=root)
        assert (status, f"library.path names {path}, which lies outside" in err) == (2, True), verb
    assert list((library_folder / "postmortems").iterdir()) == []


def test_a_records_folder_that_is_a_link_out_is_refused(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (library_folder / "records").symlink_to(outside)
    settings(library_folder, '[library]\npath = "records"\n')
    status, _, err = kb("check", cwd=library_folder)
    assert (status, "which lies outside the library" in err) == (2, True)


def test_an_entry_point_of_the_settings_runs_only_when_trusted(
    example_library: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    marks = tmp_path_factory.mktemp("marks")
    code = f"open({str(marks / 'ran')!r}, 'w')\ndef run(state, tools):\n    return 'done'\n"
    (example_library / "agent.py").write_text(code)
    settings(example_library, '[runs]\nreplay = "agent:run"\n')
    fixture = next(example_library.rglob("fixture.json"))
    command = ("run", "replay", str(fixture), "-n", "1")
    status, _, err = kb(*command, cwd=example_library)
    assert (status, "kb trust runs.replay" in err, list(marks.iterdir())) == (2, True, [])
    kb(*command, "--entry", "agent:run", cwd=example_library)
    assert (marks / "ran").exists()
    (marks / "ran").unlink()
    assert kb("trust", "--yes", cwd=example_library)[0] == 0
    kb(*command, cwd=example_library)
    assert (marks / "ran").exists()


TOKEN = "sk-proj-Zq3" + "xK9mVbT7nRw2LcY8dHf4JgP6sAe1UoX5"


def test_a_repository_does_not_switch_redaction_off(library_folder: Path) -> None:
    said = [{"role": "user", "content": f"Refund it, ana@acme-shop.de, with {TOKEN}."}]
    answered = {"role": "assistant", "content": "It is done."}
    (library_folder / "trace.json").write_text(json.dumps({"messages": [*said, answered]}))
    import_it = ("run", "import", "trace.json", "--force")
    for allow in ('["*"]', '["?*"]', '["[!x]*"]', '["sk-*"]', '["*@acme-shop.de", "**"]'):
        settings(library_folder, f"[runs]\nallow = {allow}\n")
        for verb in (import_it, ("run", "show", "trace.json"), ("run", "audit", "trace.json")):
            status, _, err = kb(*verb, cwd=library_folder)
            assert (status, "kb trust runs.allow" in err) == (2, True), (allow, verb)
    assert not (library_folder / "fixture.json").exists()
    settings(library_folder, '[runs]\nallow = ["*@acme-shop.de"]\n')
    status, out, _ = kb(*import_it, cwd=library_folder)
    assert (status, "KEPT, as [runs] allow in kb.toml says: 1 value" in " ".join(out.split())) == (
        0,
        True,
    )
    made = (library_folder / "fixture.json").read_text()
    assert (TOKEN in made, "ana@acme-shop.de" in made, "KEPT" in made) == (False, True, True)


@pytest.mark.parametrize("place", [".config", "library/.config"])
def test_trust_that_a_repository_brings_along_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """As in a pipeline whose HOME is its checkout."""
    (tmp_path / ".git").mkdir()
    library = tmp_path / "library"
    library.mkdir()
    config = settings(library, REPLAY)
    (wish,) = wishes(config, library)
    row = Trusted(library=os.path.realpath(library), key=wish.key, value=wish.value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / place))
    write_user_config(UserConfig(trust=(row,)))
    assert not is_trusted(library, wish)
    with pytest.raises(KbError, match="lies in the repository"):
        store(library, [wish])
    monkeypatch.setenv("KB_TRUST", wish.sha256)
    assert is_trusted(library, wish)


def test_a_home_that_is_wherever_one_stands_is_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", ".")
    with pytest.raises(KbError, match="no absolute path"):
        user_config_path()


def test_nobody_is_asked_where_there_is_nobody(library_folder: Path) -> None:
    settings(library_folder, REPLAY)
    status, out, err = kb("trust", cwd=library_folder, stdin="y\n")
    assert (status, "nobody to ask" in err) == (2, True)
    assert "runs.replay = agents.refunds:run" in out
    assert read_user_config() == UserConfig()


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_a_person_at_a_terminal_is_asked(library_folder: Path, answer: str, status: int) -> None:
    config = settings(library_folder, REPLAY)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kb", "trust"],
        cwd=library_folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.write(ours, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"Allow this? [y/N]" in out
    assert process.returncode == status
    assert is_trusted(library_folder, wishes(config, library_folder)[0]) is (status == 0)


def test_what_is_shown_cannot_steer_the_terminal(library_folder: Path) -> None:
    settings(library_folder, '[runs]\nreplay = "a\\u001b[2J\\u202eb"\n')
    _, out, _ = kb("trust", "--yes", cwd=library_folder)
    assert "runs.replay = a\\x1b[2J\\u202eb" in out
    _, out, _ = kb("trust", "--list", cwd=library_folder)
    assert "\x1b" not in out


def test_trust_is_listed_and_taken_back(library_folder: Path) -> None:
    settings(library_folder, REPLAY)
    kb("trust", "--yes", cwd=library_folder)
    _, out, _ = kb("trust", "--list", cwd=library_folder)
    assert out == f"{os.path.realpath(library_folder)}  runs.replay = agents.refunds:run\n"
    assert kb("trust", "--revoke", cwd=library_folder)[0] == 0
    assert kb("trust", "--revoke", cwd=library_folder)[0] == 1
    assert kb("trust", "--list", cwd=library_folder)[1] == ""
    status, _, err = kb("trust", "runs.nothing", cwd=library_folder)
    assert (status, "runs.replay" in err) == (2, True)


def test_the_settings_of_a_site_are_trusted_by_what_they_say(library_folder: Path) -> None:
    text = "docs_dir: build/pages\nhooks: [hook.py]\nplugins: [search]\n"
    (library_folder / "mkdocs.yml").write_text(text)
    _, out, _ = kb("trust", "--yes", "mkdocs.yml", cwd=library_folder)
    assert "mkdocs.yml = {hooks: [hook.py], plugins: [search]}" in out
    assert "nothing here needs trust" in kb("trust", "--yes", cwd=library_folder)[1]
    (library_folder / "mkdocs.yml").write_text(text.replace("hook.py", "other.py"))
    assert "other.py" in kb("trust", "--yes", cwd=library_folder)[1]
    assert len(read_user_config().trust) == 1


def test_the_configuration_survives_a_round_trip_with_odd_values() -> None:
    rows = tuple(
        Trusted(library=f"/x{odd}", key="runs.replay", value=odd)
        for odd in ("plain", 'q"uo\\te', "new\nline", "tab\t\x01\x7f", "ünïcode 📎", "")
    )
    write_user_config(UserConfig(trust=rows))
    assert read_user_config().trust == rows
    assert [path.name for path in user_config_path().parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("text", ["[[trust]]\nlibrary = 1\n", "trsut = []\n", "x = [", "\xff"])
def test_a_configuration_that_cannot_be_read_trusts_nothing_and_says_so(text: str) -> None:
    user_config_path().parent.mkdir(parents=True)
    user_config_path().write_bytes(text.encode("latin-1"))
    with pytest.raises(KbError, match="cannot be read"):
        read_user_config()


def test_a_configuration_that_cannot_be_written_leaves_the_old_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(KbError, match="cannot be written"):
        write_user_config(UserConfig())


def test_the_table_names_settings_that_exist() -> None:
    for row in TABLE:
        section, name = row.key.split(".")
        assert hasattr(getattr(Config(), section), name)
