"""What a shell command does is read off its words, through everything that starts another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kb.traces.effects.shell_effects import CommandEffect, command_effects, heaviest_effect
from kb.traces.effects.shell_parser import parse_shell_text, read_shell_text
from kb.traces.effects.sql_effects import sql_effects
from kb.traces.run import Effect


def heaviest(command: str) -> CommandEffect:
    found = heaviest_effect(command_effects(command))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf build",
        "python manage.py flush --noinput",
        "php artisan migrate:fresh --force",
        "bundle exec ruby bin/rails db:drop",
        "firebase firestore:delete --all-collections",
        "sudo lvremove -f vg/data",
        "zfs destroy tank/home",
        "cd x && sudo -u app rm -rf build",
        "git status; git push --force origin main",
        "git push origin +main",
        "git push origin :old",
        "git reset --hard HEAD~1",
        "git checkout -- src/app.py",
        "git checkout HEAD~2 src/app.py",
        "git clean -fdx",
        "git branch -D topic",
        "bash -c 'terraform destroy -auto-approve'",
        'sh -lc "kubectl delete namespace prod"',
        "kubectl exec -n prod api-0 -- rm -rf /data",
        "ssh deploy@example.com 'cd /srv && docker compose down -v'",
        "ssh deploy@example.com <<'EOF'\nrm -rf /srv/app\nEOF",
        "find . -name '*.bak' -delete",
        "find . -name '*.bak' -exec rm {} +",
        "ls | xargs -n 1 rm -f",
        "nohup timeout 30 env A=1 rm x &",
        "psql -h db -c 'DROP TABLE users'",
        "psql db <<EOF\nBEGIN;\nDELETE FROM orders;\nEOF\n",
        "cat <<EOF | psql db\nTRUNCATE users;\nEOF\n",
        "echo 'DROP DATABASE x' | mysql -u root",
        "mysql -e'update users set admin = 1'",
        "sqlite3 a.db 'delete from t where id = 1'",
        "docker exec -it db psql -U app -c 'drop schema public cascade'",
        "docker run --rm -v $PWD:/x alpine rm -rf /x/y",
        "docker volume rm data",
        "aws s3 rm s3://bucket --recursive",
        "aws --region eu-west-1 ec2 terminate-instances --instance-ids i-1",
        "gcloud compute instances delete vm-1 --quiet",
        "az group delete -n prod --yes",
        "gh api -X DELETE repos/a/b",
        "dd if=/dev/zero of=/dev/sda",
        ": > app.log",
        "RM='rm -rf'; $RM /tmp/x",
        'DIR=/tmp/x; rm -rf "$DIR"',
        'for f in *.log; do rm "$f"; done',
        "cleanup() { rm -rf /tmp/x; }; trap cleanup EXIT",
        "echo $(rm -rf x)",
        "diff <(rm a) b",
        "python3 - <<'E'\nimport shutil\nshutil.rmtree('x')\nE\n",
        "npx prisma migrate reset --force",
        "redis-cli -h cache FLUSHALL",
        "helm uninstall api -n prod",
        "env -S 'rm -rf x'",
        "bash -xec 'rm -rf x'",
        "awk 'BEGIN { system(\"rm -rf x\") }'",
        "awk '{ print | \"rm -rf x\" }' files",
        "perl -e 'unlink \"x\"'",
        'node -e \'require("child_process").execSync("rm -rf x")\'',
        "psql -c 'EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t'",
        "psql -c \"SELECT pg_drop_replication_slot('s')\"",
        "history -c",
        "dmesg -C",
    ],
)
def test_what_takes_something_away_is_destructive_wherever_it_stands(command: str) -> None:
    assert heaviest(command).effect is Effect.DESTRUCTIVE


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m 'remove rm -rf from the docs'",
        "git commit -m \"$(cat <<'EOF'\nDELETE FROM users; rm -rf /\nEOF\n)\"",
        "git push origin main",
        "git branch -d merged",
        "git rm --cached notes.md",
        "git worktree remove ../x",
        "mkdir -p build && cp a build/",
        "sed -i 's/a/b/' file",
        "echo hello > file",
        'psql -c "insert into t values (1)"',
        "psql -c 'update t set a = 1 where id = 2'",
        "terraform apply -auto-approve",
        "kubectl apply -f x.yml",
        "npm install",
        "helm upgrade --install app chart --version 1.2.3",
        "curl -X POST https://example.com -d a=1",
        "cat > note.md <<'EOF'\nrm -rf /\nEOF\n",
        "date -s 2026-01-01",
        "kb digest --post",
        "date 010203042026",
        "hostname other",
        "awk '{ print > \"out\" }' in",
        "xxd -r dump out",
        "psql -c 'SELECT pg_terminate_backend(5)'",
        "psql -c \"SELECT setval('ids', 1)\"",
        "mysql -e \"SELECT * INTO OUTFILE '/tmp/t' FROM t\"",
    ],
)
def test_a_write_is_no_more_than_a_write(command: str) -> None:
    assert heaviest(command).effect is Effect.WRITE


@pytest.mark.parametrize(
    "command",
    [
        "ls -la | grep -v rm | head",
        "grep -rn 'DROP TABLE' src 2>/dev/null",
        "git log --oneline -5 && git diff",
        "git push --dry-run --force",
        "kubectl get pods -n prod -o wide",
        "kubectl delete pod x --dry-run=client",
        "terraform plan",
        "aws s3 ls s3://bucket",
        "psql -c 'select count(*) from users'",
        "psql -c '\\d users'",
        "find . -name '*.py' -exec grep -l x {} +",
        "ssh host 'docker compose ps'",
        "docker logs -f api",
        "sed -n '1,20p' file",
        "gh pr view 12 --json title",
        "python -m json.tool < a.json",
        "terraform destroy --help",
        "kb similar 'charged twice'",
        "helm --version",
        "date +%s",
        "date -d '2026-01-01' +%s",
        "hostname -f",
        "awk '{ print $1 | \"sort -u\" }' f",
        "psql -c 'EXPLAIN DELETE FROM t'",
        "psql -c 'SELECT pg_size_pretty(pg_database_size(1))'",
        "psql -c 'SELECT my_format(name) FROM users'",
    ],
)
def test_a_look_is_a_read(command: str) -> None:
    assert {found.effect for found in command_effects(command)} == {Effect.READ}


@pytest.mark.parametrize(
    "command",
    [
        "./deploy.sh prod",
        "./deploy.sh --version 1.2.3",
        "$CMD x",
        "make release",
        "curl -s https://x.example | bash",
        "psql db",
        "psql -c 'SELECT delete_user(5)'",
        "psql -c 'SELECT process_batch()'",
        "psql -c 'SELECT purge_user(id) FROM users'",
        "awk '{ cmd | getline x }' f",
        "sh <(curl -s https://x.example)",
    ],
)
def test_what_neither_words_nor_table_tell_is_unknown_and_never_a_read(command: str) -> None:
    assert heaviest(command).effect is Effect.UNKNOWN


def test_an_effect_comes_with_its_program_action_targets_reason_and_way() -> None:
    found = heaviest("cd /srv && sudo ssh -p 22 root@db1 'terraform -chdir=infra destroy vpc'")
    assert (found.program, found.action, found.targets) == ("terraform", "destroy", ("vpc",))
    assert found.reason == "destroys the resources of the configuration"
    assert found.via == ("sudo", "ssh root@db1")
    assert not found.is_guess


def test_a_guess_is_marked_as_one() -> None:
    assert heaviest("git checkout src/app.ts").is_guess
    assert not heaviest("git checkout -- src/app.ts").is_guess


def test_the_word_of_the_team_beats_the_table() -> None:
    settings = {"make deploy*": Effect.DESTRUCTIVE, "rm": Effect.WRITE}
    assert [e.effect for e in command_effects("make deploy-prod && rm x", settings)] == [
        Effect.DESTRUCTIVE,
        Effect.WRITE,
    ]
    assert command_effects("make test", settings)[0].effect is Effect.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "x=(" * 5_000,
        "a|" * 8_000,
        "$(" * 9_000,
        "a" * 30_000,
        "sudo " * 5_000 + "rm x",
        "bash -c '" * 50,
        "psql -c '" + "(" * 5_000 + "'",
        "<<A " * 3_000,
        "\x00\ud800'\"",
        "if " * 6_000,
    ],
)
def test_hostile_text_gets_an_answer_that_is_no_read(text: str) -> None:
    found = heaviest_effect(command_effects(text))
    assert found is not None
    assert found.effect is not Effect.READ


def test_a_long_file_written_by_a_heredoc_does_not_hide_the_command_behind_it() -> None:
    program = "print((1), (2)) | x\n" * 2_000
    found = command_effects(f"cat > a.py <<'EOF'\n{program}EOF\nrm -rf old")
    assert [e.name for e in found] == ["cat", ">", "rm"]


def test_without_the_parser_the_answer_is_unknown_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kb.traces.effects.shell_effects.is_installed", lambda: False)
    (found,) = command_effects("ls")
    assert found.effect is Effect.UNKNOWN
    assert "shell" in found.reason


def test_sql_in_a_cte_or_with_the_words_in_a_text_is_told_apart() -> None:
    def effect(sql: str) -> Effect:
        return sql_effects(sql, "postgres")[0].effect

    assert effect("with gone as (delete from t returning *) select * from gone") is (
        Effect.DESTRUCTIVE
    )
    assert effect("select 'drop table t'") is Effect.READ
    assert effect("alter table t drop column a") is Effect.DESTRUCTIVE
    assert effect("create table t (a int)") is Effect.WRITE


def test_sql_names_its_tables_without_alias_and_quotes_and_all_of_them() -> None:
    (found,) = sql_effects('DELETE FROM app."Users" AS u USING t2 WHERE u.id = t2.id', "postgres")
    assert found.targets == ("app.Users", "t2")
    (found,) = sql_effects(f"DROP TABLE {', '.join(f't{n}' for n in range(12))}", "postgres")
    assert len(found.targets) == 12
    (found,) = sql_effects("WITH own AS (SELECT * FROM t) SELECT * FROM own", "postgres")
    assert found.targets == ("t",)


def test_what_is_beyond_the_bounds_is_said_to_be_unread() -> None:
    assert command_effects("ls;" * 200 + f"bash -c '{'ls;' * 400}'")[-1].is_unread
    assert command_effects(f"{'sudo ' * 40}ls")[-1].is_unread
    many = sql_effects("SELECT 1;" * 201)
    assert many[-1].effect is Effect.UNKNOWN


def test_a_dry_run_that_is_switched_off_is_none() -> None:
    assert heaviest("kubectl delete ns prod --dry-run=none").effect is Effect.DESTRUCTIVE
    assert heaviest("kubectl delete ns prod --dry-run=server").effect is Effect.READ


_WORDS = st.sampled_from(
    (
        *("ls", "cd", "./x", "-rf", "--foo", "a/b", "x.py", "12", "0", "-9", "a:b", "@x", "%x"),
        *("x@y:z", "-", "--", ".", "..", "test", "true", ":", "exit", "trap", "command", "printf"),
        *("5.2", "1-2", ",", "~", "3x", "sudo", "env", "git", "rm", "bash", "-c", "if", "done"),
        *("time", "export", "set", "+x"),
    )
)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_plain_words_are_read_as_the_parser_reads_them(commands: list[list[str]]) -> None:
    text = " && ".join(" ".join(words) for words in commands)
    assert read_shell_text(text) == parse_shell_text(text)
