"""Score a table with Spark: spark-submit score_rows.py scorer.onnx rows.parquet scored.parquet."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, struct

from gensynth.export.runtime import OnnxScorer

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.addFile(sys.argv[1])
name = Path(sys.argv[1]).name


def scores(batches: Iterator[pd.DataFrame]) -> Iterator[pd.Series]:
    """Score the rows of one task; the graph is read once for it."""
    scorer = OnnxScorer.load(SparkFiles.get(name))
    for rows in batches:
        yield pd.Series(scorer.score(rows)["score"])


score = pandas_udf(scores, "double")
table = spark.read.parquet(sys.argv[2])
table.withColumn("score", score(struct(*table.columns))).write.parquet(sys.argv[3])
