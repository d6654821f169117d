"""Reading and writing of tables: containers, CSV and Parquet files. No torch in here."""

from gensynth.tables.container import Container, to_frame
from gensynth.tables.files import read_table, write_table
from gensynth.tables.open import open_table
from gensynth.tables.stream import TableStream
from gensynth.tables.style import ArrowStyle, CsvStyle, FileStyle
from gensynth.tables.table import Table

__all__ = [
    "ArrowStyle",
    "Container",
    "CsvStyle",
    "FileStyle",
    "Table",
    "TableStream",
    "open_table",
    "read_table",
    "to_frame",
    "write_table",
]
