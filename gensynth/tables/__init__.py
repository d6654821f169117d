"""Tables in and out: containers, CSV and Parquet files. No torch in here."""

from gensynth.tables.container import Container, to_frame
from gensynth.tables.files import Table, read_table, write_table

__all__ = ["Container", "Table", "read_table", "to_frame", "write_table"]
