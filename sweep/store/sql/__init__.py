"""The database below the store: URL and engine, tables, transactions, clock. Start with `schema.py`."""
