"""Relations between columns: found in real rows, kept in synthetic rows, checked in scored rows."""
