"""The training programs that bundles carry. They run on their own, without tunelint: `rows.py` is put into each."""
