# Makefile - builds, tests, checks and installs mreg.  `make help` lists what
# it can do.
#
# Everything it makes lies below build/$(BUILD), so variants live side by
# side.  CPPFLAGS, CFLAGS and LDFLAGS are the caller's and come after ours.

VERSION := 0.1.0
SONAME := libmreg.so.0

BUILD ?= debug
B := build/$(BUILD)

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
SHAREDIR ?= $(PREFIX)/share
DOCDIR ?= $(SHAREDIR)/doc/mreg
INSTALL ?= install

ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(BUILD)),$(shell command -v clang-14 || echo clang),gcc)
endif
AR := $(if $(filter default,$(origin AR)),ar,$(AR))
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= $(shell command -v clang-format-14 || echo clang-format)
CLANG_TIDY ?= $(shell command -v clang-tidy-14 || echo clang-tidy)
# Debian's python3 is the one that Debian's pytest belongs to.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
PYTEST ?= $(PYTHON) -m pytest -p no:cacheprovider -q
# Much of what the tests do is waiting: with pytest-xdist one more at once than
# there are processors, each file in one place.
PYTEST_JOBS ?= $(shell $(PYTHON) -c 'import xdist' 2>/dev/null && \
	echo "-n $$(($$(nproc) + 1)) --dist loadfile")

Q := $(if $(V),,@)
comma := ,

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

# --- what there is ---------------------------------------------------------

FOLDERS := $(sort $(patsubst src/%/,%,$(wildcard src/*/)))
LIB_FOLDERS := $(filter-out cli,$(FOLDERS))

# PostgreSQL is built in where the headers of libpq 14 or later are; the library
# is loaded when it is wanted (src/db/libpq.c) and never linked.
WITH_PG ?= auto
PG := $(if $(filter no,$(WITH_PG)),,$(shell \
	$(PKG_CONFIG) --atleast-version=14 libpq 2>/dev/null && echo libpq))
ifeq ($(WITH_PG)$(PG),yes)
$(error WITH_PG=yes, but the headers of libpq 14 or later are missing)
endif
PG_SOURCES := $(wildcard src/db/postgres*.c) src/db/libpq.c
LEFT_OUT := $(if $(PG),src/db/no_postgres.c,$(PG_SOURCES))

SOURCES := $(sort $(filter-out $(LEFT_OUT),$(wildcard src/*/*.c)))

# Files that become C arrays, as FOLDER:FILE; scripts/embed names the symbols.
EMBED := model:spec/roles.json \
	profile:src/profile/shell/sh.amd64 profile:src/profile/shell/sh.arm64 \
	$(addprefix index:,$(sort $(wildcard src/index/schema/*.sql)))
EMBED := $(foreach e,$(EMBED),$(if $(wildcard $(lastword $(subst :, ,$(e)))),$(e)))
embed_folder = $(firstword $(subst :, ,$(1)))
embed_file = $(lastword $(subst :, ,$(1)))
embed_object = $(B)/gen/$(notdir $(call embed_file,$(1))).o

folder_objects = $(patsubst %.c,$(B)/obj/%.o,$(filter src/$(1)/%,$(SOURCES))) \
	$(foreach e,$(EMBED),$(if $(filter $(1),$(call embed_folder,$(e))),$(call embed_object,$(e))))

UNIT_SOURCES := $(sort $(wildcard tests/unit/*/test_*.c))
SUPPORT_SOURCES := $(sort $(wildcard tests/support/test*.c))
# What stands in for /bin/sh knows two machines.
NO_MAINS := tests/support/fuzz_main.c $(if $(filter x86_64% aarch64%,\
	$(shell $(CC) -dumpmachine)),,tests/support/stand_in_main.c)
MAIN_SOURCES := $(sort $(filter-out $(NO_MAINS),$(wildcard tests/support/*_main.c)))
FAKE_SOURCES := $(sort $(filter-out $(SUPPORT_SOURCES) %_main.c,\
	$(wildcard tests/support/*.c)))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TEST_SOURCES := $(UNIT_SOURCES) $(SUPPORT_SOURCES) $(FAKE_SOURCES) \
	$(MAIN_SOURCES) $(FUZZ_SOURCES) $(wildcard tests/support/fuzz_main.c)

BENCH_SOURCES := $(sort $(wildcard tests/bench/*.c))

# A program of its own, which is committed as built (scripts/build-shell).
STAND_IN_SOURCES := $(sort $(wildcard src/profile/shell/*.c))

C_FILES := $(sort $(SOURCES) $(TEST_SOURCES) $(BENCH_SOURCES) $(STAND_IN_SOURCES))
H_FILES := $(sort $(wildcard include/mreg/*.h src/*/*.h src/*/*/*.h tests/support/*.h))

LIBRARIES := libcurl jansson libcrypto libzstd sqlite3 yaml-0.1 zlib
# Needed to build, but not linked: src/pack/libarchive.c loads it by its soname
# when an archive is read or written.
LOADED := libarchive
PKG_LIBS := $(if $(shell $(PKG_CONFIG) --cflags --libs $(LOADED) 2>/dev/null),\
	$(shell $(PKG_CONFIG) --libs $(LIBRARIES) 2>/dev/null))
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBRARIES) $(LOADED) $(PG) 2>/dev/null)
# Of the library that the headers belong to; -ldl is a part of libc since glibc
# 2.34.
LIBARCHIVE_SO = $(or $(shell objdump -p \
	"$$($(PKG_CONFIG) --variable=libdir $(LOADED))/libarchive.so" \
	2>/dev/null | awk '/SONAME/ { print $$2 }'),libarchive.so.13)
ifeq ($(strip $(PKG_LIBS)),)
ifneq ($(filter-out clean help format dist check-layers check-size,\
	$(or $(MAKECMDGOALS),all)),)
$(error a library is missing ($(PKG_CONFIG) $(LIBRARIES) $(LOADED)): ./scripts/deps build installs them on Debian and Ubuntu)
endif
endif

# What a folder may reach, directly or not, by src/LAYERS: REACH_net is "net
# base content state".  The neck (floor 5) and above reach the whole library,
# told by "@".
$(foreach t,$(shell awk -F: '/^[0-9]/ { \
	split($$1, me, " "); floor[me[2]] = me[1]; grant[me[2]] = $$2 } \
	function visit(f, n, i, d) { \
		if (f in seen) return ""; \
		seen[f] = 1; n = split(grant[f], d, " "); \
		for (i = 1; i <= n; i++) visit(d[i]) } \
	END { for (f in floor) { \
		split("", seen); visit(f); text = ""; \
		for (s in seen) text = text "," s; \
		print f "=" text (floor[f] >= 5 ? ",@" : "") } }' src/LAYERS),\
	$(eval REACH_$(firstword $(subst =, ,$(t))) := \
		$(subst $(comma), ,$(lastword $(subst =, ,$(t))))))

# --- flags -----------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2
# Text is cut to its buffer on purpose; gcc's guess of when is no help.
WARNINGS += $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
# Sanitizers and gcov make gcc warn of what cannot be; these two count.
ifneq ($(and $(filter true 1,$(CI) $(WERROR)),$(filter debug release,$(BUILD))),)
WARNINGS += -Werror
endif

# What the OpenSSF compiler guide asks for and gcc 12 takes; each flag is
# tried, for other compilers and machines know fewer.
HARDEN_TRY := -fstack-clash-protection -fstack-protector-strong \
	-fcf-protection=full -mbranch-protection=standard \
	-ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing
try_flags = $(shell for f in $(HARDEN_TRY); do \
	$(CC) -Werror $$f -fsyntax-only -x c /dev/null 2>/dev/null && echo "$$f"; \
	done)

SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread
SANITIZE_fuzz := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all

CFLAGS_debug := -Og -g
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer $(SANITIZE_asan)
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer $(SANITIZE_tsan)
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer $(SANITIZE_fuzz)
# Objects are renamed after compiling; gcov finds its notes by these names.
CFLAGS_cov = -O0 -g --coverage -dumpdir $(@D)/ -dumpbase $(basename $(@F))
LDFLAGS_debug := -Wl,-z,defs
LDFLAGS_asan := $(SANITIZE_asan)
LDFLAGS_tsan := $(SANITIZE_tsan)
LDFLAGS_fuzz := $(SANITIZE_fuzz)
LDFLAGS_cov := --coverage
ifeq ($(BUILD),release)
CFLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-Werror=format-security -Werror=implicit \
	-Werror=incompatible-pointer-types -Werror=int-conversion $(try_flags)
LDFLAGS_release := -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,-z,noexecstack \
	-Wl,-z,separate-code
endif
ifeq ($(filter $(BUILD),debug release asan tsan cov fuzz),)
$(error BUILD=$(BUILD): one of debug release asan tsan cov fuzz)
endif

OWN_CPPFLAGS := -D_GNU_SOURCE -Iinclude -Isrc $(PKG_CFLAGS)
OWN_CFLAGS = -std=c11 $(WARNINGS) -fPIC -fvisibility=hidden -pthread \
	-ffile-prefix-map=$(CURDIR)=. $(CFLAGS_$(BUILD))
OWN_LDFLAGS := -pthread -Wl,--as-needed $(LDFLAGS_$(BUILD))

# One exit status for all sanitizers, that no command of mreg has; too large an
# allocation fails as it would without them.
export ASAN_OPTIONS := exitcode=99:allocator_may_return_null=1:detect_stack_use_after_return=1:$(ASAN_OPTIONS)
export UBSAN_OPTIONS := print_stacktrace=1:$(UBSAN_OPTIONS)
export TSAN_OPTIONS := exitcode=99:allocator_may_return_null=1:second_deadlock_stack=1:$(TSAN_OPTIONS)
export PYTHONDONTWRITEBYTECODE := 1

# --- rules -----------------------------------------------------------------

# Results are written beside their name and renamed: two makes at once never
# see half a file of each other.
define compile
@mkdir -p $(@D)
@$(if $(V),,echo "  CC      $@")
$(Q)$(CC) $(OWN_CPPFLAGS) $(EXTRA_CPPFLAGS) $(OWN_CFLAGS) $(CPPFLAGS) \
	$(CFLAGS) -MMD -MP -MF $@.$$$$.d -MT $@ -c -o $@.$$$$ $< && \
	mv $@.$$$$.d $(@:.o=.d) && mv $@.$$$$ $@ || \
	{ rm -f $@.$$$$.d; false; }
endef

define archive
@mkdir -p $(@D)
@$(if $(V),,echo "  AR      $@")
$(Q)rm -f $@.$$$$ && $(AR) rcsD $@.$$$$ $(filter %.o,$^) && mv $@.$$$$ $@
endef

# $(1): further flags; $(2): further libraries.
define link
@mkdir -p $(@D)
@$(if $(V),,echo "  LD      $@")
$(Q)$(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(1) $(LDFLAGS) \
	-o $@.$$$$ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	-Wl,--end-group $(2) $(PKG_LIBS) -ldl && mv $@.$$$$ $@
endef

$(B)/obj/%.o: %.c Makefile
	$(compile)

$(B)/gen/%.o: $(B)/gen/%.c Makefile
	$(compile)

$(B)/obj/tests/%.o: EXTRA_CPPFLAGS := -I.
# The one place that knows the version.
$(B)/obj/src/repo/version.o: EXTRA_CPPFLAGS := -DMREG_VERSION='"$(VERSION)"'
$(B)/obj/src/pack/libarchive.o: EXTRA_CPPFLAGS = -DMR_LIBARCHIVE_SO='"$(LIBARCHIVE_SO)"'

define embed_rule
$(B)/gen/$(notdir $(call embed_file,$(1))).c: $(call embed_file,$(1)) scripts/embed
	@mkdir -p $$(@D)
	$(Q)scripts/embed $$< >$$@.$$$$$$$$ && mv $$@.$$$$$$$$ $$@
endef
$(foreach e,$(EMBED),$(eval $(call embed_rule,$(e))))

define folder_rule
$(B)/lib/$(1).a: $(call folder_objects,$(1)) Makefile
	$$(archive)
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rule,$(f))))

LIB_OBJECTS := $(foreach f,$(LIB_FOLDERS),$(call folder_objects,$(f)))

$(B)/libmreg.a: $(LIB_OBJECTS) Makefile
	$(archive)

$(B)/$(SONAME): $(LIB_OBJECTS) Makefile
	$(call link,-shared -Wl$(comma)-soname$(comma)$(SONAME))

$(B)/mreg: $(call folder_objects,cli) $(B)/libmreg.a
	$(call link,-pie)

# --- tests: programs -------------------------------------------------------

# support.a is what every unit test may use; fakes.a (servers and the like)
# is for folders above the first two floors.
$(B)/lib/support.a: $(SUPPORT_SOURCES:%.c=$(B)/obj/%.o)
	$(archive)
$(B)/lib/fakes.a: $(FAKE_SOURCES:%.c=$(B)/obj/%.o)
	$(archive)

LOWEST := base content state
unit_archives = $(B)/lib/support.a \
	$(if $(filter $(LOWEST),$(1)),,$(B)/lib/fakes.a) \
	$(if $(filter @,$(REACH_$(1))),$(B)/lib/$(1).a $(B)/libmreg.a,\
	$(patsubst %,$(B)/lib/%.a,$(filter $(REACH_$(1)),$(FOLDERS))))

# $(1): tests/unit/FOLDER/test_FILE
define unit_rule
$(B)/$(1): $(B)/obj/$(1).o $(call unit_archives,$(word 3,$(subst /, ,$(1))))
	$$(call link,,-lcmocka)
endef
$(foreach t,$(UNIT_SOURCES:.c=),$(eval $(call unit_rule,$(t))))

# tests/support/NAME_main.c is a program of its own, build/.../tests/NAME.
MAINS := $(MAIN_SOURCES:tests/support/%_main.c=$(B)/tests/%)
$(MAINS): $(B)/tests/%: $(B)/obj/tests/support/%_main.o $(B)/lib/fakes.a \
		$(B)/libmreg.a
	$(call link)

# The committed programs' source, with a C library around it.
$(B)/tests/stand_in: $(STAND_IN_SOURCES:%.c=$(B)/obj/%.o)
$(STAND_IN_SOURCES:%.c=$(B)/obj/%.o): EXTRA_CPPFLAGS := -DMR_STAND_IN_HOSTED

# A fuzz target becomes a fuzzer in the fuzz build, elsewhere a program that
# runs it over the files it is given.
FUZZERS := $(FUZZ_SOURCES:%.c=$(B)/%)
ifeq ($(BUILD),fuzz)
$(FUZZERS): $(B)/%: $(B)/obj/%.o $(B)/lib/fakes.a $(B)/libmreg.a
	$(call link,-fsanitize=fuzzer)
else
$(FUZZERS): $(B)/%: $(B)/obj/%.o $(B)/obj/tests/support/fuzz_main.o \
		$(B)/lib/fakes.a $(B)/libmreg.a
	$(call link)
endif

# Programs of the benchmark, small ones: a large one would be part of what it
# measures.  One of them loads what mreg loads, as mreg does, and nothing else.
INDEX_BENCH := $(filter tests/bench/index_%,$(BENCH_SOURCES))
BENCH_PROGRAMS := $(patsubst %.c,$(B)/%,$(filter-out $(INDEX_BENCH),$(BENCH_SOURCES)))
$(filter-out %/loaded,$(BENCH_PROGRAMS)): $(B)/%: %.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O2 -pthread $(WARNINGS) -o $@ $<
$(filter %/loaded,$(BENCH_PROGRAMS)): $(B)/%: %.c $(B)/mreg
	@mkdir -p $(@D)
	$(Q)$(CC) $(OWN_CFLAGS) -pie $(OWN_LDFLAGS) -Wl,--no-as-needed -o $@ $< \
		$$(LC_ALL=C objdump -p $(B)/mreg | awk '/NEEDED/ { print "-l:" $$2 }')

# This one is large: it measures what happens inside the library.
$(B)/tests/bench/index_bench: $(INDEX_BENCH:%.c=$(B)/obj/%.o) $(B)/libmreg.a
	$(call link)

UNIT := $(UNIT_SOURCES:%.c=$(B)/%)
ifneq ($(F),)
UNIT := $(filter $(addprefix $(B)/tests/unit/,$(addsuffix /%,$(F))),$(UNIT))
endif
GOLDEN := $(foreach t,$(UNIT),$(if $(filter test_golden%,$(notdir $(t))),$(t)))

# --- targets ---------------------------------------------------------------

.PHONY: all check unit golden golden-check command corpus check-layers \
	check-headers check-exports check-size check-integration \
	check-interop campaign bench bench-programs bench-index index-bench fuzz cov format lint \
	install install-files uninstall dist clean help test-programs FORCE

all: $(B)/mreg $(B)/libmreg.a $(B)/$(SONAME) ## program and library (BUILD=debug|release|asan|tsan|cov|fuzz)

check: check-layers check-headers check-exports check-size unit golden-check command corpus ## every check that needs nothing outside the tree

# What has to do with the index runs on PostgreSQL too.
INDEXED := db index crawl find report
postgres = $(if $(or $(if $(F),,all),$(filter $(INDEXED),$(F))),scripts/postgres)

unit: $(UNIT) ## unit tests, of one folder with F=FOLDER
	@$(postgres) scripts/run-tests unit $(filter-out $(GOLDEN),$^) $(if $(F),$(GOLDEN))

golden-check: $(GOLDEN)
	@scripts/run-tests unit $^

golden: $(GOLDEN) ## rewrite tests/golden from what the code says now
	@MREG_GOLDEN_UPDATE=1 scripts/run-tests unit $^
	@git diff --stat -- tests/golden

# Programs that pytest's tests start.
test-programs: $(B)/mreg $(MAINS)

pytest = MREG=$(abspath $(B)/mreg) MREG_BUILD_DIR=$(abspath $(B)) \
	scripts/postgres scripts/run-tests pytest $(1) $(PYTEST) $(PYTEST_JOBS) \
	$(PYTEST_ARGS)

command: test-programs ## tests of the program: output, exit status
	@$(call pytest,tests/cli)

# Tests that measure what a transfer costs have the machine to themselves.
check-integration: test-programs ## with Debian's registry and clients
ifeq ($(PYTEST_ARGS),)
	@status=0; \
	$(call pytest,tests/integration) -m "not large" || status=1; \
	$(call pytest,tests/integration) $(if $(PYTEST_JOBS),-n 0) -m large || \
		status=1; exit $$status
else
	@$(call pytest,tests/integration)
endif

check-interop: ## with programs of others, which it fetches and builds
	@scripts/test-interop

corpus: $(FUZZERS) ## run every fuzz target over its corpus
	@scripts/run-tests corpus $^

SECONDS := 60
ifeq ($(BUILD),fuzz)
fuzz: $(FUZZERS)
	@scripts/run-tests fuzz $(SECONDS) $^
else
fuzz: ## fuzz every target, each for SECONDS=60
	@$(MAKE) --no-print-directory BUILD=fuzz fuzz SECONDS=$(SECONDS)
endif

bench-programs: $(B)/mreg $(BENCH_PROGRAMS)

bench: ## speed, CPU and memory beside other programs; hours (BENCH_SCALE=small: minutes)
	@scripts/bench

index-bench: $(B)/mreg $(B)/tests/bench/index_bench

bench-index: ## the index with a million versions, on both databases, beside MLflow
	@scripts/bench-index

campaign: ## the whole matrix of compilers and sanitizers; hours
	@scripts/campaign

check-layers:
	@scripts/check-layers
check-headers:
	@scripts/check-headers $(CC)
check-exports: $(B)/$(SONAME)
	@scripts/check-exports $<
check-size:
	@scripts/check-size

ifeq ($(BUILD),cov)
cov: unit golden-check command
	@scripts/coverage $(B)
else
cov: ## line coverage by folder, in build/cov/coverage.txt
	@rm -rf build/cov
	@$(MAKE) --no-print-directory BUILD=cov cov
endif

format: ## let clang-format decide
	$(Q)$(CLANG_FORMAT) -i $(C_FILES) $(H_FILES)

lint: compile_commands.json ## clang-format, clang-tidy, cppcheck, shellcheck
	@CLANG_FORMAT=$(CLANG_FORMAT) CLANG_TIDY=$(CLANG_TIDY) scripts/lint $(C_FILES) $(H_FILES)

# For editors and clang-tidy.
compile_commands.json: Makefile FORCE ## for editors
	@{ echo '['; for f in $(C_FILES); do \
		printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}\n' \
			"$$sep" '$(CURDIR)' "$$f" \
			'$(CC) $(OWN_CPPFLAGS) -I. -DMREG_VERSION=\\\"$(VERSION)\\\" -DMR_LIBARCHIVE_SO=\\\"$(LIBARCHIVE_SO)\\\" -std=c11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS)' "$$f"; \
		sep=,; done; echo ']'; } >$@.tmp
	@mv $@.tmp $@

# What messages and help name as spec/...: schemas, templates, the languages.
SPEC_FOLDERS := spec spec/samples spec/schemas spec/templates
install_spec = $(INSTALL) -m 644 $(wildcard $(1)/*.*) $(D)$(DOCDIR)/$(1)

# A release is installed, unless BUILD was asked for.
INSTALL_BUILD := $(if $(filter file,$(origin BUILD)),release,$(BUILD))

install: ## PREFIX BINDIR LIBDIR INCLUDEDIR MANDIR DESTDIR
	@$(MAKE) --no-print-directory BUILD=$(INSTALL_BUILD) install-files

D := $(DESTDIR)
install-files: all
	$(INSTALL) -d $(D)$(BINDIR) $(D)$(LIBDIR)/pkgconfig \
		$(D)$(INCLUDEDIR)/mreg $(D)$(MANDIR)/man1 \
		$(D)$(SHAREDIR)/bash-completion/completions \
		$(D)$(SHAREDIR)/zsh/site-functions \
		$(D)$(SHAREDIR)/fish/vendor_completions.d \
		$(addprefix $(D)$(DOCDIR)/,$(SPEC_FOLDERS))
	$(INSTALL) -m 755 $(B)/mreg $(D)$(BINDIR)/mreg
	$(INSTALL) -m 644 $(B)/libmreg.a $(D)$(LIBDIR)/libmreg.a
	$(INSTALL) -m 755 $(B)/$(SONAME) $(D)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(D)$(LIBDIR)/libmreg.so
	$(INSTALL) -m 644 $(sort $(wildcard include/mreg/*.h)) $(D)$(INCLUDEDIR)/mreg
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBRARIES@|$(LIBRARIES)|' \
		scripts/mreg.pc.in >$(D)$(LIBDIR)/pkgconfig/mreg.pc
	$(foreach f,$(SPEC_FOLDERS),$(call install_spec,$(f)) &&) true
	$(B)/mreg completion bash >$(D)$(SHAREDIR)/bash-completion/completions/mreg
	$(B)/mreg completion zsh >$(D)$(SHAREDIR)/zsh/site-functions/_mreg
	$(B)/mreg completion fish >$(D)$(SHAREDIR)/fish/vendor_completions.d/mreg.fish
	$(B)/mreg completion man >$(D)$(MANDIR)/man1/mreg.1

uninstall: ## what install put there
	rm -f $(D)$(BINDIR)/mreg $(D)$(LIBDIR)/libmreg.a \
		$(D)$(LIBDIR)/$(SONAME) $(D)$(LIBDIR)/libmreg.so \
		$(D)$(LIBDIR)/pkgconfig/mreg.pc $(D)$(MANDIR)/man1/mreg.1 \
		$(D)$(SHAREDIR)/bash-completion/completions/mreg \
		$(D)$(SHAREDIR)/zsh/site-functions/_mreg \
		$(D)$(SHAREDIR)/fish/vendor_completions.d/mreg.fish
	rm -rf $(D)$(INCLUDEDIR)/mreg $(D)$(DOCDIR)

dist: ## source archive of the last commit
	@mkdir -p build
	git archive --prefix=mreg-$(VERSION)/ HEAD | gzip -n9 >build/mreg-$(VERSION).tar.gz

clean: ## everything that make made
	rm -rf build compile_commands.json

help: ## this text
	@awk -F ':.*## ' '/^[a-z_.-]+:.*## / { printf "%-22s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

-include $(shell find $(B) -name '*.d' ! -name '*.o.*' 2>/dev/null)
