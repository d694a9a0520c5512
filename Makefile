# Two commands for newcomers: `make demo` and `make test`. Each makes its own virtual environment below .venv/.
PYTHON ?= python3
PIP_FLAGS = --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST_FLAGS ?= -n 2 --dist loadfile

.PHONY: demo test test-slow peers lint bench clean

demo: .venv/demo/ready
	.venv/demo/bin/tunelint lint-and-train sample_data --clean --epochs 20 --batch-size 4 --format concise

test: .venv/test/ready
	.venv/test/bin/python -m pytest $(PYTEST_FLAGS) -m "not slow and not peers"

test-slow: .venv/test/ready
	.venv/test/bin/python -m pytest $(PYTEST_FLAGS) -m "(slow or hypothesis) and not peers" --hypothesis-profile=searching

# Other people's validators and linters, each in an environment of its own that the tests make.
peers: .venv/test/ready
	.venv/test/bin/python -m pip install $(PIP_FLAGS) --group peers
	.venv/test/bin/python -m pytest -m peers

lint: .venv/test/ready
	.venv/test/bin/ruff check src tests
	.venv/test/bin/mypy

.venv/demo/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv/demo
	.venv/demo/bin/python -m pip install $(PIP_FLAGS) --editable ".[local]"
	touch $@

.venv/test/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv/test
	.venv/test/bin/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	.venv/test/bin/python -m pip install $(PIP_FLAGS) --editable ".[local,fast,parquet,serve,semantic]" --group dev
	touch $@

clean:
	rm -rf .venv dist build runs cleaned .pytest_cache .mypy_cache .ruff_cache .hypothesis
