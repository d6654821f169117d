"""What a command tells of its result: summaries as text and JSON, and the content of HTML pages."""
