# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
# Settings (make demo MODEL=... or from the environment): MODEL, STREAM, PYTHON, CARGO_TARGET_DIR, FEATURES,
# FUZZ_SECONDS, SOAK_MINUTES, QUICK=1, BENCH_OUT, TREE; of install and uninstall PREFIX, DESTDIR, PLUGIN_FOLDER.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
export PATH := $(PATH):$(HOME)/.cargo/bin

MODEL ?= models/zoo/synthdive48-art
STREAM ?= pipelines/media/synthdive-stream.mp4
FUZZ_SECONDS ?= 120
export SOAK_MINUTES ?= 60
BENCH_OUT ?= out/bench
TREE ?= $(CURDIR)/.cache/debian-13
# Looked for when it is needed, which is after the packages were installed.
FEATURES ?= $(shell pkg-config --atleast-version=1.24 gstreamer-analytics-1.0 2> /dev/null && echo v1_24)
PYTHON ?= $(shell command -v python3 || command -v python3.11 || echo python3)

ORT_VERSION := 1.31.1
ORT := .cache/onnxruntime/$(ORT_VERSION)/libonnxruntime.so
PLUGIN := .cache/gst-plugins/libgstartclassify.so
VENV_PYTHON := .venv/bin/python
FUZZ_TARGETS := manifest labels window
BENCHES := frames overlay parts
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
BUILT := $(RELEASE)/libgstartclassify.so

# Where `make install` puts the plugin: below PREFIX, in the system's folder for root and for packagers, who set DESTDIR,
# or else in the user's.
PLUGIN_FOLDER ?= $(shell if [ -n "$(PREFIX)" ]; then \
		pkg-config --define-variable=prefix="$(PREFIX)" --variable=pluginsdir gstreamer-1.0; \
	elif [ -n "$(DESTDIR)" ] || [ "$$(id -u)" -eq 0 ]; then pkg-config --variable=pluginsdir gstreamer-1.0; \
	else echo "$(HOME)/.local/share/gstreamer-1.0/plugins"; fi)
INSTALLED = $(DESTDIR)$(PLUGIN_FOLDER)/$(notdir $(PLUGIN))

# gcc and the -dev packages build the plugin. Of GStreamer: "good" reads and writes MP4, Matroska and PNG, "libav"
# decodes H.264, H.265 and VP9, "ugly" encodes H.264.
PACKAGES := gcc libc6-dev pkg-config \
	libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libcairo2-dev libpango1.0-dev \
	gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly \
	gstreamer1.0-libav fonts-dejavu-core
# Elements that metas are sent through and what encodes and parses H.265, the RTSP server of the tests and what watches
# pipelines in scripts/live, what plays clips, what checks the service, what counts instructions, and the MQTT broker.
TEST_PACKAGES := gstreamer1.0-plugins-bad python3-gi gir1.2-gst-rtsp-server-1.0 ffmpeg systemd valgrind mosquitto \
	mosquitto-clients openssl

.PHONY: help demo test test-1.26 install uninstall deb bench fuzz soak guard guard-update figures events-f1 highlights live setup \
	packages test-packages onnxruntime build env lint rust-lint \
	python-lint rust-test python-test clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / { gsub(/\$$\$$/, "$$"); printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## set everything up and recognise the dives of the shipped clips; results in out/
	@$(WITH_PLUGIN) $(VENV_PYTHON) scripts/demo.py --model "$(MODEL)" --stream "$(STREAM)"

test: lint rust-test python-test guard test-1.26 ## set everything up, PyTorch included, and run every check and test

setup: build onnxruntime ## what a machine needs to run the plugin: Debian packages, ONNX Runtime, release build

install: ## copy the plugin to where GStreamer finds it: the system's folder for root, else the user's; PREFIX, DESTDIR
	@test -e $(PLUGIN) || { echo "Nothing is built yet: run make setup" >&2; exit 1; }
	install -D -m 644 $(PLUGIN) "$(INSTALLED)"

uninstall: ## remove it from there
	rm -f "$(INSTALLED)"

deb: packages ## make a Debian package in target/debian; installs cargo-deb
	@scripts/need-cargo.sh
	@cargo deb --version > /dev/null 2>&1 || cargo install --locked cargo-deb
	cargo deb --locked --multiarch=same --strip

packages: ## install the missing Debian packages
	@scripts/packages.sh $(PACKAGES)

test-packages: packages
	@scripts/packages.sh $(TEST_PACKAGES)

onnxruntime: $(ORT) ## unpack the ONNX Runtime library from its Python wheel

build: packages ## build the plugin and put it into .cache/gst-plugins
	@scripts/need-cargo.sh
	@echo "== Plugin, release build"
	cargo build --release --locked $(WITH_FEATURES)
	@install -C -D -m 755 "$(BUILT)" $(PLUGIN)

env: ## print the exports a shell needs: eval "$$(make -s env)"
	@test -e $(PLUGIN) -a -e $(ORT) || echo "Nothing is built yet: run make setup" >&2
	@printf 'export GST_PLUGIN_PATH=%q ORT_DYLIB_PATH=%q ORT_DISABLE_TELEMETRY=1\n' "$$PWD/$(dir $(PLUGIN))" "$$PWD/$(ORT)"

lint: rust-lint python-lint ## formatting and lints, Rust and Python

rust-lint: packages
	@scripts/need-cargo.sh
	@echo "== Rust format and lints"
	cargo fmt --check
	rustfmt --check --edition 2024 tests/fuzz/fuzz_targets/*.rs
	cargo clippy --locked --all-targets $(WITH_FEATURES) -- -D warnings
	$(WITHOUT_ANALYTICS) cargo clippy --locked --features v1_24 --lib --test analytics -- -D warnings

python-lint: .venv/ready
	@echo "== Python format and lints"
	$(VENV_PYTHON) -m ruff check .

rust-test: setup
	@echo "== Rust tests"
	$(WITH_PLUGIN) cargo test --locked $(WITH_FEATURES) --no-fail-fast
	@echo "== Rust benches, each once"
	$(WITH_PLUGIN) cargo test --locked $(WITH_FEATURES) $(BENCHES:%=--bench %)

python-test: setup test-packages .venv/ready
	@echo "== Python tests"
	$(WITH_PLUGIN) $(VENV_PYTHON) -m pytest models/tests tests/acceptance scripts/bench \
		$(if $(FEATURES),,--ignore $(TEST_ANALYTICS))

test-1.26: onnxruntime ## build and test against GStreamer 1.26, in a Debian 13 tree in TREE (.cache/debian-13); needs root
	@scripts/need-cargo.sh
	@echo "== Rust tests, GStreamer 1.26"
	$(IN_TREE) cargo test --locked --features v1_24 --no-fail-fast --lib $(TREE_TESTS:%=--test %)
	@echo "== Python tests, GStreamer 1.26"
	$(IN_TREE) install -C -D -m 755 $(TREE_TARGET)/debug/deps/libgstartclassify.so $(TREE_TARGET)/gst-plugins/libgstartclassify.so
	$(IN_TREE) python3 -m pytest $(TEST_ANALYTICS)

fuzz: packages ## feed manifests, labels and streams of frames out of chance to the code, FUZZ_SECONDS (120) each
	@scripts/need-cargo.sh
	@scripts/packages.sh g++
	@cargo fuzz --version > /dev/null 2>&1 || cargo install --locked cargo-fuzz
	@mkdir -p $(FUZZ_TARGETS:%=tests/fuzz/corpus/%)
	@for target in $(FUZZ_TARGETS); do \
		echo "== Fuzzing: $$target, $(FUZZ_SECONDS) s"; \
		options=(-max_total_time=$(FUZZ_SECONDS) -max_len=1024 -print_final_stats=1); \
		[ ! -e tests/fuzz/$$target.dict ] || options+=(-dict=tests/fuzz/$$target.dict); \
		cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none --target-dir "$(or $(CARGO_TARGET_DIR),target)" $$target \
			tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target -- "$${options[@]}"; \
	done

soak: setup ## play SOAK_MINUTES (60) of a stream with random seeks, pauses, sizes and models; look for leaks and growth
	$(WITH_PLUGIN) cargo test --release --locked --test soak -- --ignored --nocapture

bench: setup .venv/bench-ready ## measure beside bare ONNX Runtime and Python loops, into BENCH_OUT (out/bench); QUICK=1 for less
	@echo "== Contenders, release build"
	cargo build --release --locked --example contender
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/bench/measure.py --model "$(MODEL)" --stream "$(STREAM)" \
		--contender "$(RELEASE)/examples/contender" --out "$(BENCH_OUT)" $(if $(filter-out 0,$(QUICK)),--quick)

guard: setup test-packages ## count the instructions and allocations of a frame and a window, compare with tests/guard.json
	@echo "== Instructions and allocations"
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/guard.py

guard-update: setup test-packages ## count them and write tests/guard.json
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/guard.py --update

figures: setup .venv/ready ## measure CPU, speed and memory beside decoding and bare ONNX Runtime
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/figures.py --model "$(MODEL)" --stream "$(STREAM)"

events-f1: setup .venv/ready ## measure how well actions are found in ten minutes of rendered dives; renders for 20 minutes first
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/events_f1.py --model "$(MODEL)"

highlights: setup test-packages .venv/ready ## measure the clips that are cut out of ten minutes of rendered dives; renders for 20 minutes first
	rm -rf out/highlights
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/highlights.py --model "$(MODEL)"

live: setup test-packages .venv/ready ## measure a lossy camera for 10 minutes, then a model that is too slow twice for 30
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/live/measure.py rtsp --minutes 10 --model "$(MODEL)" --stream "$(STREAM)"
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/live/measure.py slow --minutes 30 --alignment delay
	$(WITH_PLUGIN) $(VENV_PYTHON) scripts/live/measure.py slow --minutes 30 --alignment hold

clean: ## remove what was built, downloaded and written, but not Debian's packages
	rm -rf target out .venv .cache tests/fuzz/artifacts tests/fuzz/corpus

# Options of cargo that build what this machine's GStreamer can do.
WITH_FEATURES = $(if $(FEATURES),--features $(FEATURES))
# A command with this before it compiles the code for GStreamer 1.24 where that is missing; it cannot be linked.
WITHOUT_ANALYTICS := SYSTEM_DEPS_GSTREAMER_ANALYTICS_1_0_NO_PKG_CONFIG=1 \
	SYSTEM_DEPS_GSTREAMER_ANALYTICS_1_0_LIB=gstanalytics-1.0
TEST_ANALYTICS := tests/acceptance/test_analytics.py

# A command with this before it runs in the Debian 13 tree, at the root of this repository.
TREE_TARGET := .cache/debian-13-target
# What GStreamer takes part in; the rest of the tests is the same with any version.
TREE_TESTS := analytics absolute artclassify artgate artmetaenc artmetaenc_text artoverlay engine meta objects passing \
	streams text_track
IN_TREE = TREE="$(TREE)" scripts/debian-13.sh env CARGO_TARGET_DIR=$(TREE_TARGET) ORT_DYLIB_PATH=$(ORT) ORT_DISABLE_TELEMETRY=1 \
	GST_PLUGIN_PATH=$(TREE_TARGET)/gst-plugins G_DEBUG=fatal-criticals

# A command with this before it finds the plugin and ONNX Runtime, and dies of GLib's critical warnings.
WITH_PLUGIN = GST_PLUGIN_PATH="$$PWD/$(dir $(PLUGIN))" ORT_DYLIB_PATH="$$PWD/$(ORT)" ORT_DISABLE_TELEMETRY=1 \
	G_DEBUG=fatal-criticals

$(ORT): $(VENV_PYTHON)
	@echo "== ONNX Runtime $(ORT_VERSION)"
	scripts/onnxruntime.sh $(VENV_PYTHON) $(ORT_VERSION) $@

$(VENV_PYTHON):
	@echo "== Python environment .venv"
	@if "$(PYTHON)" -c 'import ensurepip' 2> /dev/null; then python="$(PYTHON)"; \
	else scripts/packages.sh python3-venv; python=/usr/bin/python3; fi; \
	"$$python" -m venv .venv

.venv/ready: models/pyproject.toml tests/acceptance/requirements.txt | $(VENV_PYTHON)
	@echo "== Python packages for training and tests (PyTorch: about 5 GB)"
	$(VENV_PYTHON) -m pip install --editable 'models[test]' --requirement tests/acceptance/requirements.txt
	@touch $@

.venv/bench-ready: scripts/bench/requirements.txt | $(VENV_PYTHON)
	@echo "== Python packages for the benchmark"
	$(VENV_PYTHON) -m pip install --requirement scripts/bench/requirements.txt
	@touch $@
