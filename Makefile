# Every developer command. `make dev` once, and again after a change in core/; then `make test` often, `make check` last.
PYTHON ?= python3
TESTS ?=
CPP = $(wildcard core/*/*.h core/*/*.cpp)
SANITIZED = build/sanitize/env/bin/python

.PHONY: dev test check lint types cuda-compile fix bench coverage sanitize ci

# Editable install; the build folder is kept, so that a second call compiles what has changed.
dev:
	$(PYTHON) -m pip install -q "scikit-build-core>=0.10" "cmake>=3.26" "ninja>=1.11"
	$(PYTHON) -m pip install --no-build-isolation -C cmake.define.FACULA_WARNINGS=ON -e ".[test,dev]"

# The fast tests.
test:
	$(PYTHON) -m pytest -m "not slow" -n 2 $(TESTS)

# Everything that has to hold before a commit: also the slow tests, docstrings, and comparisons with torch if it is there.
check: lint types cuda-compile
	$(PYTHON) -m pytest -n 2 $(TESTS)

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	clang-format --dry-run -Werror $(CPP)
	$(PYTHON) tools/layers.py
	$(PYTHON) tools/sizes.py

types:
	$(PYTHON) -m mypy

# The CUDA text of every formula and of its derivative, compiled by NVRTC; no GPU needed.
cuda-compile:
	$(PYTHON) tools/cuda_compile.py

fix:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
	clang-format -i $(CPP)

# Against torch in the same run; on a quiet machine. Writes the table of docs/benchmarks.md.
bench:
	$(PYTHON) benchmarks/run.py

# What of PyTorch is here and agrees with it: writes docs/coverage.md; needs torch, takes minutes.
coverage:
	$(PYTHON) tools/registry_report.py --write
	$(PYTHON) tools/opdb_report.py --write
	$(PYTHON) tools/moduledb_report.py --write

# The tests on a core with address and undefined-behaviour sanitizers, in an environment of its own.
sanitize:
	$(PYTHON) -m venv build/sanitize/env
	$(SANITIZED) -m pip install -q ".[test]" $(foreach setting,build-dir=build/sanitize/core install.strip=false \
	  cmake.build-type= cmake.define.FACULA_SANITIZE=ON cmake.define.FACULA_ONLY_ISA=avx2,--config-settings $(setting))
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
	  $(SANITIZED) -m pytest -m "not slow" -n 2 $(TESTS)

ci:
	.ci/run
