# make run     install what is missing, build, and answer a first question
# make test    every test
#
# The rest: build, lint, format, docs, install, clean.

SWIFT   ?= swift
PREFIX  ?= /usr/local
DESTDIR ?=

# Static, stripped binaries: fwtrace starts in milliseconds and runs on a host without Swift.
RELEASE := -c release --static-swift-stdlib -Xlinker -s -Xlinker --gc-sections
BINARY  := .build/release/fwtrace
SWIFT_FILES := $(shell find Sources Tests Package.swift -name '*.swift' 2>/dev/null)

.DEFAULT_GOAL := run
.PHONY: run build test lint format docs install clean packages test-packages toolchain

run: build
	$(BINARY) --dst 172.17.0.2:8080 samples/tomcat-redis

build: packages toolchain
	$(SWIFT) build $(RELEASE) --product fwtrace
	$(SWIFT) build $(RELEASE) --product fwtrace-yaml

test: test-packages toolchain
	$(SWIFT) test

lint: toolchain
	$(SWIFT) format lint --strict --parallel $(SWIFT_FILES)
	$(SWIFT) build --build-tests

format: toolchain
	$(SWIFT) format --in-place --parallel $(SWIFT_FILES)

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

toolchain:
	@command -v $(SWIFT) >/dev/null || { echo "fwtrace: Swift 6.2 or later is needed: https://www.swift.org/install/linux/" >&2; exit 1; }
