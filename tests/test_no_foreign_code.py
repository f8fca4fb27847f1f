"""What lies in a library's folder is not run by looking at it, building it or publishing it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kb.site.mkdocs_settings import used_settings
from kb.trusted_settings import store

from conftest import git_in

#: Modules that the standard library, the engines, Pagefind and kb itself import by name.
MODULES = (
    "mkdocs",
    "zensical",
    "pagefind",
    "pagefind_bin",
    "material",
    "kb/__init__",
    "sitecustomize",
    "usercustomize",
    "json",
    "yaml",
    "git",
    "torch",
)
PROGRAMS = ("git", "mkdocs", "pagefind", "pagefind_extended", "zensical", "python", "python3")
HEAD = "docs_dir: build/pages\nsite_dir: site\n"


@pytest.fixture
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, into which whatever is run writes its name."""
    return tmp_path_factory.mktemp("marks")


def plant(folder: Path, marks: Path) -> None:
    for name in MODULES:
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(marks / path.name)!r}, 'w').close()\n")
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\n: > {marks}/{name}\n")
        (folder / name).chmod(0o755)


def kb(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as a person starts it in a clone."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "kb"), *arguments],
        cwd=cwd,
        env=os.environ | {"PATH": f".:{os.environ['PATH']}:"} | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def run_by(folder: Path, marks: Path, *verbs: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Each verb with what it ran; none may fail in a way nobody foresaw."""
    for verb in verbs:
        done = kb(*verb, cwd=folder)
        assert "unexpected" not in done.stderr, done.stderr
        yield " ".join(verb), sorted(path.name for path in marks.iterdir())


def test_modules_and_programs_in_the_current_folder_are_not_run(
    example_library: Path, marks: Path
) -> None:
    git = git_in(example_library)
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message=one")
    plant(example_library, marks)
    fixture = next(example_library.rglob("fixture.json"))
    verbs = (
        ("check",),
        ("metrics",),
        ("review",),
        ("build",),
        ("similar", "charged twice"),
        ("actions",),
        ("run", "audit", str(fixture)),
        ("run", "replay", str(fixture), "--entry", "true", "-n", "1"),
    )
    for verb, ran in run_by(example_library, marks, *verbs):
        assert ran == [], verb


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_an_engine_does_not_take_a_librarys_files_for_its_own(
    example_library: Path, marks: Path, engine: str
) -> None:
    plant(example_library, marks)
    done = kb("site", "--engine", engine, cwd=example_library, PYTHONPATH="")
    assert (done.returncode, list(marks.iterdir())) == (0, []), done.stderr
    assert (example_library / "site/pagefind/pagefind.js").is_file()


def hostile_settings(folder: Path, marks: Path) -> None:
    (folder / "hook.py").write_text(
        f"open({str(marks / 'hook')!r}, 'w').close()\ndef on_config(config): return config\n"
    )
    (folder / "secret.txt").write_text("TOP SECRET")
    (folder / "mkdocs.yml").write_text(
        f"{HEAD}site_author: Ours\nINHERIT: ../other.yml\n"
        "hooks: [hook.py, ../hook.py]\n"
        "theme: {name: material, custom_dir: overrides}\n"
        "plugins: [search, {social: {}}]\n"
        "markdown_extensions:\n"
        "  - pymdownx.snippets: {base_path: .., check_paths: true}\n"
        "  - pymdownx.emoji: {emoji_index: !!python/name:os.system ''}\n"
        "  - hook\n"
        "extra_javascript: ['https://example.org/x.js']\n"
        "extra: {alternate: [{name: '<script>'}]}\n"
    )


@pytest.mark.site
def test_hooks_and_plugins_of_a_library_run_only_with_trust(
    example_library: Path, marks: Path
) -> None:
    hostile_settings(example_library, marks)
    done = kb("site", cwd=example_library)
    assert (done.returncode, list(marks.iterdir())) == (0, []), done.stderr
    assert (
        "not used: INHERIT, extra, extra_javascript, hooks, markdown_extensions, plugins"
        in done.stderr
    )
    assert "kb site --trust" in done.stderr
    page = (example_library / "site/index.html").read_text(encoding="utf-8")
    assert ("Ours" in page, "example.org/x.js" in page) == (True, False)

    (example_library / "mkdocs.yml").write_text(f"{HEAD}theme: material\nhooks: [hook.py]\n")
    text = (
        (example_library / "mkdocs.yml")
        .read_text()
        .replace("theme: material", "theme: {name: material, font: false}")
    )
    (example_library / "mkdocs.yml").write_text(text)
    assert kb("site", "--trust", cwd=example_library).returncode == 0
    assert [path.name for path in marks.iterdir()] == ["hook"]


def test_what_the_settings_of_a_site_may_say_is_on_a_list(library_folder: Path) -> None:
    (library_folder / "mkdocs.yml").write_text(
        f"{HEAD}site_description: 'a \"<script>\" b'\ncopyright: © Ours\n"
        "repo_url: https://example.org/x\n"
        "theme:\n  name: material\n  language: de\n"
        "  palette: [{scheme: slate, primary: red}]\n"
        "  features: [navigation.tabs]\n"
        "nav:\n  - Start: index.md\n  - More:\n      - incidents.md\n"
    )
    settings, unused = used_settings(library_folder)
    assert unused == ()
    assert settings["site_description"] == "a ”‹script›” b"
    assert settings["theme"]["palette"] == [{"scheme": "slate", "primary": "red"}]
    assert settings["theme"]["language"] == "de"
    assert settings["nav"][0] == {"Start": "index.md"}
    assert (settings["plugins"], "hooks" in settings) == ([], False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("hooks: [x.py]", "hooks"),
        ("plugins: [macros]", "plugins"),
        ("INHERIT: /etc/passwd", "INHERIT"),
        ("theme: evil", "theme"),
        ("theme: {name: evil}", "theme"),
        ("theme: {name: material, locale: ../../x}", "theme"),
        ("theme: {name: material, language: ../../../x}", "theme"),
        ("theme: {name: material, logo: ../../.ssh/id}", "theme"),
        ("theme: {name: material, palette: {scheme: '\"><script>'}}", "theme"),
        ("nav: [{x: ../../../etc/passwd}]", "nav"),
        ("nav: [{x: 'javascript:alert(1)'}]", "nav"),
        ("repo_url: 'javascript:alert(1)'", "repo_url"),
        ("extra_css: ['https://example.org/x.css']", "extra_css"),
        ("extra: {analytics: {provider: google}}", "extra"),
        ("markdown_extensions: [evil]", "markdown_extensions"),
        ("exclude_docs: x", "exclude_docs"),
        ("watch: [/]", "watch"),
    ],
)
def test_everything_else_is_named_and_left_out(library_folder: Path, text: str, key: str) -> None:
    (library_folder / "mkdocs.yml").write_text(f"{HEAD}{text}\n")
    settings, unused = used_settings(library_folder)
    shipped, _ = used_settings(library_folder / "postmortems")
    assert (unused, settings) == ((key,), shipped)
    whole, unused = used_settings(library_folder, trusted=True)
    assert (key in whole, unused) == (True, ())


def test_stored_trust_holds_for_what_the_settings_said_then(library_folder: Path) -> None:
    from kb.site.mkdocs_settings import settings_wish

    (library_folder / "mkdocs.yml").write_text(f"{HEAD}hooks: [x.py]\n")
    wish = settings_wish(library_folder)
    assert wish is not None
    store(library_folder, [wish])
    settings, unused = used_settings(library_folder)
    assert (settings["hooks"], unused) == ([str(library_folder / "x.py")], ())
    (library_folder / "mkdocs.yml").write_text(f"{HEAD}hooks: [x.py, y.py]\n")
    assert used_settings(library_folder)[1] == ("hooks",)


def test_an_editor_is_not_taken_from_the_current_folder(library_folder: Path, marks: Path) -> None:
    import pty

    (library_folder / "my-editor").write_text(f"#!/bin/sh\n: > {marks}/editor\n")
    (library_folder / "my-editor").chmod(0o755)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "kb"), "new", "A title"],
        cwd=library_folder,
        env=os.environ | {"PATH": f".:{os.environ['PATH']}", "EDITOR": "my-editor"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, list(marks.iterdir())) == (2, [])
    assert b"my-editor" in done.stderr
