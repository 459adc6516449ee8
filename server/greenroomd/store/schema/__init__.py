"""The shape of the database: tables, rows, migrations."""
