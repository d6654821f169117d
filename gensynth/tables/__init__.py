"""Tables in and out: containers, CSV and Parquet files. No torch in here."""

from gensynth.tables.container import Container, to_frame

__all__ = ["Container", "to_frame"]
