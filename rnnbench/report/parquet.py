"""Records as a Parquet file: the rows and columns of the tidy frame, written a group at a time."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.lazy import pandas
from rnnbench.plan.ladders import Climb
from rnnbench.report.frame import COLUMNS, rows
from rnnbench.seeds import Pair

ROWS = 65_536  # of a group: what is in memory at a time, and what a reader may skip


def here() -> None:
    """UserError where what writes it isn't installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise UserError("--format parquet: pyarrow isn't installed here; next: pip install 'rnnbench[parquet]'")


def write(climbs: Sequence[Climb], path: Path, size: int = ROWS) -> None:
    """A row for every run of a view that there is a record of, in groups of a size. What is absent is null; the file
    says which types the frame has, so that pandas reads the frame again. OSError as usual."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"str": pa.string(), "int64": pa.int64(), "Int64": pa.int64(), "float64": pa.float64()}
    place = list(COLUMNS).index("seed")
    paired = any(isinstance(row[place], Pair) for row in rows(climbs))
    kinds = COLUMNS | ({"seed": "str"} if paired else {})
    empty = pandas.DataFrame({name: pandas.Series([], dtype=kind) for name, kind in kinds.items()})
    fields = [pa.field(name, types[kind]) for name, kind in kinds.items()]
    schema = pa.schema(fields, metadata=pa.Schema.from_pandas(empty, preserve_index=False).metadata)
    found = rows(climbs)
    with path.open("wb") as file, parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(found, size)):
            values = zip(*group, strict=True)
            columns = [
                pa.array(map(str, column) if paired and field.name == "seed" else column, field.type)
                for column, field in zip(values, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
