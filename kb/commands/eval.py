"""`kb eval`: how good search is, on your own library or on any labelled texts."""

from __future__ import annotations

from pathlib import Path

import click

from kb.streams import echo, echo_json


@click.command("eval")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--query",
    type=click.Choice(["short", "full"]),
    default="short",
    show_default=True,
    help="Ask with title and 60 words, or with the whole text.",
)
@click.option(
    "--jaccard", type=click.FloatRange(0, 1), default=0.0, help="Overlap of labels asked."
)
@click.option("--masked", is_flag=True, help="Replace names in the queries.")
@click.option(
    "--foreign",
    multiple=True,
    type=click.Path(path_type=Path),
    help='JSONL of texts about other things; may be repeated. "stratum" groups them.',
)
@click.option("--all-records", is_flag=True, help="Rank records without a label, too.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.eval/1).")
def command(
    file: Path | None,
    query: str,
    jaccard: float,
    masked: bool,
    foreign: tuple[Path, ...],
    all_records: bool,
    as_json: bool,
) -> None:
    """Measure search leave-one-out, on FILE.jsonl or on the published records of this library.

    Lines of FILE hold id, title, date, text and labels; records that share a label are alike.
    Beside the figures stand those of words and vectors alone, and of labels dealt out at random.
    """
    from kb.commands.build import progress_bar
    from kb.search.installed import prepare_search

    prepare_search()
    from kb.search.evaluation.report import evaluation_json, evaluation_text
    from kb.search.evaluation.run import EvaluationRequest, run_evaluation

    request = EvaluationRequest(
        *(file, foreign),
        full=query == "full",
        masked=masked,
        jaccard=jaccard,
        all_records=all_records,
    )
    with progress_bar() as progress:
        found = run_evaluation(request, Path.cwd(), progress)
    if as_json:
        echo_json(evaluation_json(found), end="")
    else:
        echo(evaluation_text(found), end="")
