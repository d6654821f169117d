"""Relations between columns: found in the rows, kept in what is drawn, checked in what is scored."""
