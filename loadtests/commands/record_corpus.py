"""``redline record-corpus``: requests for any model, with the answers expected of them."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app
from loadtests.commands.external import Addresses, CaFile, Headers, MaxRate, one_of
from loadtests.plan import among
from serving.errors import UsageError
from serving.external.server import external_server
from serving.requests.make import TOLERANCE, Order, make_corpus
from serving.requests.values import BATCH, SEED, Wish, parse_dims, parse_range

FORMS = ("json", "float32", "bytes")
STATUS = "status"


@app.command()
def record_corpus(
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    server: Annotated[str, typer.Option(help="tfserving or torchserve.")],
    model: Annotated[str, typer.Option(help="The model's name, as the server knows it.")],
    address: Addresses,
    source: Annotated[
        Optional[Path],  # noqa: UP045 - typer
        typer.Option(
            "--from",
            help="Requests: JSON lines (.jsonl), a folder of bodies (JSON, text, images, "
            "messages), TensorFlow Serving's warmup records, or a numpy archive (.npz) by input "
            "name. Without it they are made up from the model's signature.",
        ),
    ] = None,
    expected: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="The answers, one for each request: JSON lines, a folder, or an archive by output "
            "name. Without it they are recorded, one request at a time, each asked twice. status: "
            "for a model that does not repeat itself; no value is compared, only status, shape and "
            "type (./status is a folder of that name)."
        ),
    ] = None,
    answer_form: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="How TorchServe's answers are compared: json, float32 (raw), or bytes; by default "
            "json where they are."
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="How far a number may be off, in units of max(1, |expected|).")
    ] = TOLERANCE,
    batch: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Rows in each request; of whole bodies, those that have so many."),
    ] = None,
    signature: Annotated[str, typer.Option(help="Of TensorFlow Serving's model.")] = (
        "serving_default"
    ),
    dim: Annotated[
        str, typer.Option(help="Sizes that the signature leaves open, as in batch=8,length=128.")
    ] = "",
    value_range: Annotated[
        list[str],
        typer.Option(
            "--range",
            help="Of values that are made up, as in 0:1 or ids=0:30000; repeatable. By default "
            "floats from 0 to 1, whole numbers 0 and 1.",
        ),
    ] = [],  # noqa: B006
    count: Annotated[int, typer.Option(min=1, help="Requests that are made up.")] = 64,
    seed: Annotated[int, typer.Option(help="The same seed makes up the same values.")] = SEED,
    ca: CaFile = None,
    header: Headers = [],  # noqa: B006
    max_rate: MaxRate = None,
    *,
    answers: Annotated[
        bool, typer.Option(help="Whether answers are recorded; else only statuses are checked.")
    ] = True,
) -> None:
    """Make a corpus of requests for a model on a server that runs, for redline run --corpus."""
    external = external_server(one_of([server]), address, ca, header, max_rate)
    if len(external.addresses) != 1:
        raise UsageError("--address: one at a time, a corpus is for one protocol")
    if answer_form and (server == "tfserving" or answer_form not in FORMS):
        among("answer form", [answer_form], FORMS)
        raise UsageError("--answer-form is for TorchServe: TensorFlow Serving's form is known")
    if expected == STATUS and not answers:
        raise UsageError("--expected status records the answers' shapes: leave out --no-answers")
    dims = parse_dims(dim)
    if batch and BATCH in dims:
        raise UsageError(f"--batch and --dim {BATCH} say the same: give one of them")
    order = Order(
        external=external,
        protocol=next(iter(external.addresses)),
        model=model,
        wish=Wish(
            rows=batch or 1,
            count=count,
            signature=signature,
            dims=dims,
            ranges=dict(map(parse_range, value_range)),
            seed=seed,
        ),
        source=source,
        rows_told=batch is not None,
        expected=Path(expected) if expected and expected != STATUS else None,
        record=answers,
        shapes=expected == STATUS,
        form=answer_form,  # type: ignore[arg-type]  # one of FORMS
        tolerance=tolerance,
    )
    made = make_corpus(order, out.absolute())
    sys.stdout.write(f"{made} requests: {out}\n")
