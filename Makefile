# make run     install what is missing, build, and answer a first question
# make test    every test
#
# make kernel-test    compare with this machine's kernel: needs root and network namespaces
# make kernel-soak    the same with new packets: SECONDS=600 SEED=7
# make kernel-mutants check that changing the tracer's meaning is noticed
# make fuzz           look for inputs that crash or hang a reader: SECONDS=600 READER=nft-text, all readers by default
# make damage-soak   damage dumps and look for answers that turn into others: SECONDS=600 SEED=7
# make docker-lab    a real Docker engine in namespaces of its own, asked and connected to (root)
# make house         draw the modules, and FlowTrace's layers, with their arrows (Documentation/House.svg)
# make bench         how fast it is, against the programs whose output it reads: BENCH='--rows read-save,query --sizes 1000,500000'
#
# The rest: build, lint, format, docs, install, clean.

SWIFT   ?= swift
PREFIX  ?= /usr/local
DESTDIR ?=

# Static, stripped binaries: fwtrace starts in milliseconds and runs on a host without Swift.
# The modules of the graph are optimised as if they were one with those that use them.
# It runs as root: libraries come from the system's folders alone, never from beside it, and what the linker fills in
# is read-only before it starts.
HARDEN  := --disable-local-rpath -Xswiftc -no-toolchain-stdlib-rpath -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now
RELEASE := -c release --static-swift-stdlib -Xlinker -s -Xlinker --gc-sections -Xswiftc -cross-module-optimization $(HARDEN)
# With C++'s library inside as well, it starts a third sooner. The linker takes what it finds first: a folder that holds nothing else.
LIBSTDCXX := $(shell ls /usr/lib/gcc/*/*/libstdc++.a 2>/dev/null | sort -V | tail -1)
ifneq ($(and $(LIBSTDCXX),$(wildcard $(dir $(LIBSTDCXX))libgcc_eh.a)),)
STATIC  := $(CURDIR)/.build/static
RELEASE += -Xlinker -L$(STATIC) -Xswiftc -Xclang-linker -Xswiftc -static-libgcc
endif
BINARY  := .build/release/fwtrace
SWIFT_FILES := $(shell find Sources Tests Documentation Benchmarks/Sources Benchmarks/Package.swift Package.swift -name '*.swift' 2>/dev/null)

.DEFAULT_GOAL := run
.PHONY: house run build test kernel-test kernel-soak kernel-mutants fuzz damage-soak docker-lab bench lint format docs install clean packages test-packages static toolchain

run: build
	$(BINARY) --dst 172.17.0.2:8080 samples/tomcat-redis

build: packages toolchain static
	$(SWIFT) build $(RELEASE) --product fwtrace
	$(SWIFT) build $(RELEASE) --product fwtrace-yaml

# What the tests compute takes minutes: the modules under test are optimised, and built in a folder of their own.
TEST := FWTRACE_FAST_TESTS=1 $(SWIFT) test --scratch-path .build/tests

test: test-packages toolchain
	$(TEST)

kernel-test: test-packages toolchain
	$(TEST) --filter 'KernelTests\.'

SECONDS ?= 600
SEED    ?= 1
kernel-soak: test-packages toolchain
	FWTRACE_SOAK_SECONDS=$(SECONDS) FWTRACE_SOAK_SEED=$(SEED) $(TEST) --filter ForAsLongAsOneLikes

kernel-mutants: test-packages toolchain
	Tests/KernelTests/mutants.sh

READER  ?=
fuzz: toolchain
	Scripts/fuzz $(SECONDS) $(READER)

# What went wrong stays in .build/damage/found, texts, questions and answers.
damage-soak: test-packages toolchain
	FWTRACE_DAMAGE=1 $(SWIFT) build -c release --scratch-path .build/damage --product fwtrace-damage
	FWTRACE_SOAK_SECONDS=$(SECONDS) FWTRACE_SOAK_SEED=$(SEED) FWTRACE_DAMAGE_FOLDER=.build/damage/found .build/damage/release/fwtrace-damage

house: test-packages toolchain
	@Scripts/install-packages --house
	FWTRACE_HOUSE=$(CURDIR)/.build/house.dot $(TEST) --filter LayerTests.theHouseIsDrawn
	dot -Tsvg .build/house.dot -o Documentation/House.svg

docker-lab: build
	Scripts/docker-lab $(BINARY)

# The libraries are built once more, as a part of the benchmark's own package: what is measured has the release's flags.
BENCH_FOLDER := .build/bench
BENCH ?=
bench: toolchain static
	@Scripts/install-packages --bench
	@touch Benchmarks/Package.swift # Only then does SwiftPM look for new files of a package that it depends on by its path.
	$(SWIFT) build $(RELEASE) --package-path Benchmarks --scratch-path $(BENCH_FOLDER)
	$(BENCH_FOLDER)/release/bench --program $(BENCH_FOLDER)/release/fwtrace --folder $(BENCH_FOLDER)/rulesets \
	  --json $(BENCH_FOLDER)/results.json --plot $(BENCH_FOLDER)/growth.svg $(BENCH)

lint: test-packages toolchain
	@$(SWIFT) format lint --strict --parallel $(SWIFT_FILES)
	$(SWIFT) build --build-tests

format: toolchain
	@$(SWIFT) format --in-place --parallel $(SWIFT_FILES)

docs: toolchain
	Scripts/build-docs

install: build
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(BINARY) $(BINARY)-yaml "$(DESTDIR)$(PREFIX)/bin/"

clean:
	$(SWIFT) package clean

packages:
	@Scripts/install-packages

test-packages:
	@Scripts/install-packages --tests

# A folder with the static library of C++ alone.
static:
	@if [ -n "$(STATIC)" ]; then mkdir -p $(STATIC) && ln -sf $(LIBSTDCXX) $(STATIC)/libstdc++.a; fi

toolchain:
	@command -v $(SWIFT) >/dev/null || { echo "fwtrace: Swift 6.2 or later is needed: https://www.swift.org/install/linux/" >&2; exit 1; }
