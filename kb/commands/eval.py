"""`kb eval`: how good search is, on your own library or on any labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.streams import echo, echo_json

if TYPE_CHECKING:
    from kb.search.evaluation.evaluate import EvaluationRequest


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
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Encoder to try instead of search.model: a folder or a name of the hub. Given twice or "
    "more, they stand side by side.",
)
@click.option("--all-records", is_flag=True, help="Rank records without a label, too.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Answer as JSON (kb.eval/1, of encoders kb.eval-encoders/1).",
)
def command(
    file: Path | None,
    query: str,
    jaccard: float,
    masked: bool,
    foreign: tuple[Path, ...],
    models: tuple[str, ...],
    all_records: bool,
    as_json: bool,
) -> None:
    """Measure search leave-one-out, on FILE.jsonl or on the published records of this library.

    Lines of FILE hold id, title, date, text and labels; records that share a label are alike.
    Beside the figures stand those of words and vectors alone, and of labels dealt out at random.

    With --model encoders are tried on the same records: how right, how quick and how large each
    is. The index stays as it is; search.model in kb.toml changes the encoder.
    """
    from kb.search.is_installed import prepare_search

    prepare_search()
    from kb.search.evaluation.evaluate import EvaluationRequest

    flags = {"full": query == "full", "masked": masked, "all_records": all_records}
    request = EvaluationRequest(file, foreign, jaccard=jaccard, **flags)
    found = _compared(request, models, as_json) if models else _evaluated(request, as_json)
    (echo_json if as_json else echo)(found, end="")


def _evaluated(request: EvaluationRequest, as_json: bool) -> str:
    from kb.commands.build import progress_bar
    from kb.search.evaluation.evaluate import run_evaluation
    from kb.search.evaluation.report import evaluation_json, evaluation_text

    with progress_bar() as progress:
        found = run_evaluation(request, Path.cwd(), progress)
    return evaluation_json(found) if as_json else evaluation_text(found)


def _compared(request: EvaluationRequest, models: tuple[str, ...], as_json: bool) -> str:
    from kb.commands.build import progress_bar
    from kb.search.evaluation.compare_encoders import compare_encoders, encoders_json, encoders_text

    with progress_bar() as progress:
        tried = compare_encoders(request, models, Path.cwd(), progress)
    return encoders_json(tried) if as_json else encoders_text(tried)
