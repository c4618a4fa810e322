# Every target sets up what it needs. PYTHON chooses the interpreter, VENV the place.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
DEMO_OUT ?= demo_out
FUZZ_CASES ?= 2000

.PHONY: demo test fuzz lint bench-io bench-models bench-speed clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test,dev]"
	touch $(STAMP)

demo: $(STAMP)  ## synthetic slides -> graphs -> models -> report, no download
	$(BIN)/wsigraph demo --out $(DEMO_OUT)

test: $(STAMP)  ## every test; real-data tests find WSIGRAPH_DATA (default ../shared/data)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -q  # one thread for each of two processes

fuzz: $(STAMP)  ## damaged and hostile feature files, drawn anew: FUZZ_CASES for each layout (ten minutes)
	WSIGRAPH_FUZZ_CASES=$(FUZZ_CASES) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/fuzz

lint: $(STAMP)  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench-io: $(STAMP)  ## tiling, graph build, feature files, start-up: writes a dated file
	$(BIN)/python -m benchmarks.speed --only feature_read --only knn --only startup --only tiling \
	  --out benchmarks/results

bench-models: $(STAMP)  ## a training step of every recipe beside torchmil's model: writes a dated table (2 hours)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.speed.models --out benchmarks/results

bench-speed: $(STAMP)  ## attention, SRMIL step and prediction, very large slides: writes a dated file (20 minutes)
	$(BIN)/python -m benchmarks.speed --only attention_layer --only srmil_step --only srmil_inference \
	  --only step_115k --only inference_1m --only growth --name srmil_speed --out benchmarks/results

clean:
	rm -rf $(VENV) build dist *.egg-info demo_out
