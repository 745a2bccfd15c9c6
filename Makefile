# lem: Large Execution Models in PostgreSQL
#
#   make             build the extension against the server that PG_CONFIG names
#   make install     install it there
#   make demo        set up, build, and show a schedule on a private server (BARS=file.csv.gz)
#   make test        set up, build, and run every test
#   make check-core, check-boundary, check-warnings, installcheck, check-isolation, check-server, check-docs, check-bench
#                    the tests in parts, on a tree that is set up
#   make deb, dist   a Debian package; a tarball of the sources (in build)
#   make check-deb, check-dist
#                    tests of these two that take minutes: the package in a clean root (as root),
#                    building and testing from the tarball
#   make test-versions
#                    regression, server and documentation tests with other versions of PostgreSQL
#                    (VERSIONS="15 17 18", PG_CONFIGS="/path/to/pg_config ...")
#   make check-pictures
#                    the reports, rendered in a browser at the widths of a phone and of a screen
#   make check-cross the tests of the core on arm64 and s390x, emulated
#   make check-work  orders worked under load and by pg_cron, and at openings of a year, for minutes
#   make check-sessions
#                    orders at the openings of six markets in nine years, for many minutes
#   make check-optima
#                    does a model learn what is known to be the best? for minutes
#   make bench       benchmarks (BENCH="forward vwap" for some); make bench-train: those of training
#   make simulate-scale
#                    what a million working orders take, from the costs of fewer
#   make count-instructions
#                    instructions of the forward pass, under valgrind
#   make performance benchmarks, and the tables of doc/performance.md from them
#   make fuzz        all kinds of bytes and calls, FUZZ_SECONDS (600) seconds of each
#   make evaluation  write the report on the bundled models, doc/evaluation.md (BARS_DIR=folder)
#   make maker-evaluation
#                    write the report on market making, doc/maker-evaluation.md (BARS_DIR=folder)
#   make valgrind    the server's tests under valgrind
#   make demo-maker  train the demonstration model of market making and show its quotes (OUT=folder)
#   make bundled     train the bundled models again (BARS_DIR=folder of bars)
#
# Objects of the core are plain C11 and are built without the server's headers (check-core needs no
# PostgreSQL); the rest is PGXS's.

MAKEFLAGS += --no-print-directory
SHELL = /bin/bash

EXTENSION = lem
MODULE_big = lem
# The models that lem_install_bundled() loads: their names are built in, the files installed.
BUNDLED = $(sort $(wildcard data/*.safetensors))
DATA = $(wildcard sql/lem--*.sql) $(BUNDLED)
PGFILEDESC = "lem - Large Execution Models"

# OBJDIR (empty, or a folder with a slash at its end) lets the tests build the same sources with
# other compilers and flags, away from the objects that are shipped.
OBJDIR ?=
CORE_OBJS = $(patsubst %.c,$(OBJDIR)%.o,$(sort $(wildcard src/core/*/*.c)))
GLUE_OBJS = $(patsubst %.c,$(OBJDIR)%.o,$(sort $(wildcard src/pg/*/*.c)))
OBJS = $(CORE_OBJS) $(GLUE_OBJS)
DEPS = $(OBJS:.o=.d)

# The regression tests are the files of sql/ that are not install scripts.  They need no order: each
# finds the extension created.
REGRESS = $(patsubst sql/%.sql,%,$(filter-out sql/lem--%.sql,$(sort $(wildcard sql/*.sql))))
REGRESS_OPTS = --load-extension=lem --encoding=UTF8

# No bitcode for LLVM's JIT: nothing of lem is worth inlining into an expression, and the kernels
# choose their instruction set at run time, each in an object of its own.
override with_llvm = no

# make installcheck runs on a private server (below), not on one that happens to be running.
NO_INSTALLCHECK = 1

EXTRA_CLEAN = $(DEPS) build results regression.diffs regression.out

# ---------------------------------------------------------------------------------------------
# BLAS: Debian's serial build of OpenBLAS, found at run time where it is now.  The default variant
# starts a pool of threads when it is loaded, and it is loaded by each backend; PostgreSQL's
# parallelism is in processes.  Elsewhere whatever pkg-config calls openblas (held to one thread).
# Programs are linked with BLAS_LIBS (t/core/linked_blas.c); the extension loads BLAS_LIBRARY when it
# first needs it (src/pg/base/blas_library.c).

OPENBLAS_SERIAL := $(patsubst %/libopenblas.so,%,$(firstword $(wildcard \
	/usr/lib/$(shell uname -m)-linux-gnu/openblas-serial/libopenblas.so)))
ifneq ($(OPENBLAS_SERIAL),)
BLAS_CFLAGS := -I$(patsubst /usr/lib/%,/usr/include/%,$(OPENBLAS_SERIAL))
BLAS_LIBS := $(OPENBLAS_SERIAL)/libopenblas.so -Wl,-rpath,$(OPENBLAS_SERIAL)
BLAS_LIBRARY ?= $(OPENBLAS_SERIAL)/libopenblas.so.0
else
BLAS_CFLAGS := $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_LIBS := $(or $(shell pkg-config --libs openblas 2>/dev/null),-lopenblas)
BLAS_LIBRARY ?= libopenblas.so.0
endif

SHLIB_LINK = -lm -ldl -Wl,--version-script=src/lem.map

# ---------------------------------------------------------------------------------------------
# The server's part of the build

PG_CONFIG ?= $(shell scripts/find-pg-config)
ifneq ($(PG_CONFIG),)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
endif

ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else
.PHONY: all install uninstall clean
all install uninstall:
	@echo "No PostgreSQL (14 to 18) with its development files was found; scripts/setup" >&2
	@echo "installs them, or name a server's pg_config: make PG_CONFIG=/path/to/pg_config" >&2
	@exit 1
clean:
	rm -rf $(OBJS) $(EXTRA_CLEAN)
endif

# What the server was compiled with may be flags of gcc's that clang does not know.
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
ifneq ($(IS_CLANG),)
override CFLAGS := $(filter-out -fexcess-precision=% -Wimplicit-fallthrough=% \
	-Wno-format-truncation -Wno-stringop-truncation -Wshadow=% -ffat-lto-objects -flto% \
	-fno-ipa-%,$(CFLAGS))
endif

# The server's headers as system headers: its code is not ours to warn about.
SERVER_CPPFLAGS = $(patsubst -I$(includedir_server),-isystem $(includedir_server),\
	$(patsubst -I$(includedir_internal),-isystem $(includedir_internal),$(CPPFLAGS)))

# ---------------------------------------------------------------------------------------------
# Compiling.  BUILD_FLAGS and LINK_FLAGS are for the builds of the tests.

WARNINGS = -Wall -Wextra
CORE_CFLAGS = -std=c11 -O3 -g -ffp-contract=fast -fno-math-errno -fPIC -fvisibility=hidden \
	$(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes
GLUE_CFLAGS = -std=gnu11 $(WARNINGS)

# The processor that is compiled for
PROCESSOR := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

# There gcc computes expressions of floats as doubles, in standard C, unless told.
ifeq ($(PROCESSOR)$(IS_CLANG),s390x)
CORE_CFLAGS += -fexcess-precision=fast
endif

# One object for each instruction set; kernels.c picks at run time.
ifeq ($(PROCESSOR),x86_64)
%kernels_avx2.o: ISA_FLAGS = -mavx2 -mfma
%kernels_avx512.o: ISA_FLAGS = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma \
	-mprefer-vector-width=512
endif
%kernels_avx512.o: LAST_FLAGS = $(AVX512_FLAGS)
%t/core/linked_blas.o: LIBRARY_CFLAGS = $(BLAS_CFLAGS)
%pg/base/blas_library.o: FILE_FLAGS = $(BLAS_CFLAGS) -DLEM_BLAS_LIBRARY='"$(BLAS_LIBRARY)"'

# The names of the bundled models, each as "name",
COMMA := ,
%pg/catalog/import.o: FILE_FLAGS = \
	-DLEM_BUNDLED_MODELS='$(patsubst data/%.safetensors,"%"$(COMMA),$(BUNDLED))'
$(OBJDIR)src/pg/catalog/import.o: $(BUNDLED)

# What lem_build_info says of the core.
%version.o: BUILD_INFO = -DLEM_COMPILER_OPTIONS='"$(strip $(CORE_CFLAGS) $(COPT) $(BUILD_FLAGS))"'

# Objects of the glue are made anew when PG_CONFIG names another server than before.
SERVER_STAMP := $(or $(OBJDIR),build/)server
$(shell mkdir -p '$(dir $(SERVER_STAMP))'; \
	echo '$(VERSION) $(includedir_server)' | cmp -s - '$(SERVER_STAMP)' || \
	echo '$(VERSION) $(includedir_server)' >'$(SERVER_STAMP)')

$(CORE_OBJS): $(OBJDIR)%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) -iquote src/core $(CORE_CFLAGS) $(COPT) $(ISA_FLAGS) $(BUILD_FLAGS) $(LAST_FLAGS) -MMD -MP -c -o $@ $<

$(GLUE_OBJS): $(OBJDIR)%.o: %.c Makefile $(SERVER_STAMP)
	@mkdir -p $(@D)
	$(CC) -iquote src -iquote src/core $(SERVER_CPPFLAGS) $(CFLAGS) $(GLUE_CFLAGS) $(FILE_FLAGS) $(BUILD_INFO) \
		$(BUILD_FLAGS) -MMD -MP -c -o $@ $<

$(shlib): src/lem.map

-include $(wildcard $(DEPS))

# ---------------------------------------------------------------------------------------------
# Tests of the core: each t/core/test_*.c is a program; the other files there are what they share.
# Names ending in _float (_double) are for builds with that number type only.

TEST_DIR = $(or $(OBJDIR),build/float/)t/core/
TEST_SKIP = $(if $(findstring LEM_REAL_DOUBLE,$(BUILD_FLAGS)),%_float.c,%_double.c)
TEST_SRCS = $(sort $(wildcard t/core/*.c))
TEST_SHARED = $(patsubst t/core/%.c,$(TEST_DIR)%.o,$(filter-out t/core/test_%,$(TEST_SRCS)))
TEST_PROGRAMS = $(patsubst t/core/%.c,$(TEST_DIR)%, \
	$(filter-out $(TEST_SKIP),$(filter t/core/test_%,$(TEST_SRCS))))
TEST_OBJS = $(TEST_SHARED) $(addsuffix .o,$(TEST_PROGRAMS))

$(TEST_OBJS): $(TEST_DIR)%.o: t/core/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -iquote src/core $(CORE_CFLAGS) $(LIBRARY_CFLAGS) $(BUILD_FLAGS) $(TEST_FLAGS) -MMD -MP \
		-c -o $@ $<

$(TEST_PROGRAMS): %: %.o $(TEST_SHARED) $(CORE_OBJS)
	$(CC) $(LINK_FLAGS) -o $@ $^ -ljansson $(BLAS_LIBS) -lm

-include $(wildcard $(TEST_OBJS:.o=.d))

# What one processor writes, for another to read (scripts/check-cross).
CROSS_EXCHANGE = $(or $(OBJDIR),build/float/)t/cross/exchange

$(CROSS_EXCHANGE).o: t/cross/exchange.c Makefile
	@mkdir -p $(@D)
	$(CC) -iquote src/core -iquote t/core $(CORE_CFLAGS) $(BUILD_FLAGS) $(TEST_FLAGS) -MMD -MP -c -o $@ $<

$(CROSS_EXCHANGE): %: %.o $(TEST_SHARED) $(CORE_OBJS)
	$(CC) $(LINK_FLAGS) -o $@ $^ -ljansson $(BLAS_LIBS) -lm

-include $(wildcard $(CROSS_EXCHANGE).d)

# Benchmarks: programs bench/bench_*.c, and scripts bench/*.sh beside a private server, which import
# what bench/weights makes.  The other files there are what they share.
BENCH_DIR = $(or $(OBJDIR),build/float/)bench/
BENCH_PROGRAMS = $(patsubst bench/%.c,$(BENCH_DIR)%,$(sort $(wildcard bench/bench_*.c)) \
	bench/instructions.c bench/weights.c)
BENCH_OBJS = $(patsubst bench/%.c,$(BENCH_DIR)%.o,$(sort $(wildcard bench/*.c)))
BENCH_SHARED = $(filter-out $(addsuffix .o,$(BENCH_PROGRAMS)),$(BENCH_OBJS)) $(TEST_DIR)golden.o \
	$(TEST_DIR)tables.o $(TEST_DIR)linked_blas.o

$(BENCH_OBJS): $(BENCH_DIR)%.o: bench/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -iquote src/core $(CORE_CFLAGS) -std=gnu11 $(BUILD_FLAGS) -MMD -MP -c -o $@ $<

$(BENCH_PROGRAMS): %: %.o $(BENCH_SHARED) $(CORE_OBJS)
	$(CC) $(LINK_FLAGS) -o $@ $^ -ljansson $(BLAS_LIBS) -lm

-include $(wildcard $(BENCH_OBJS:.o=.d))

.PHONY: objects test-programs check-core check-float check-double check-sanitize \
	check-boundary check-warnings installcheck check-isolation check-server check-exchange check-work check-sessions check-docs bench \
	bundled evaluation maker-evaluation valgrind test demo demo-maker setup deb check-deb dist check-dist \
	bench-train check-optima check-pictures test-versions check-cross cross-exchange count-instructions simulate-scale \
	performance check-bench report

test-programs: $(TEST_PROGRAMS)
	@echo $(TEST_PROGRAMS) >$(TEST_DIR)programs

# gcc's sanitizers come with gcc.  Of debugging they tell lines alone, which -g1 has.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE_BUILD = $(MAKE) -s CC=gcc OBJDIR=build/sanitize/ BUILD_FLAGS='-O1 -g1 $(SANITIZE)' \
	LINK_FLAGS='$(SANITIZE)'

check-core: check-float check-double check-sanitize

check-float:
	@$(MAKE) -s test-programs
	@scripts/run-programs float build/float/t/core/programs

# gcc would note how it passes vectors of doubles; ours never pass a function's border.  The programs
# themselves, most of what is compiled, need no more than -O1.
check-double:
	@$(MAKE) -s OBJDIR=build/double/ BUILD_FLAGS='-DLEM_REAL_DOUBLE -Wno-psabi -g1' TEST_FLAGS=-O1 test-programs
	@scripts/run-programs double build/double/t/core/programs

check-sanitize:
	+@$(SANITIZE_BUILD) test-programs
	@scripts/run-programs sanitize build/sanitize/t/core/programs

# ---------------------------------------------------------------------------------------------
# Fuzzing: t/fuzz/fuzz_*.c are targets of libFuzzer, which comes with clang; t/fuzz/calls.c is a
# client of a private server.  make fuzz runs them for long.  make test runs the same targets for a
# moment, on changed copies of their corpus (t/fuzz/replay.c): with the objects of check-sanitize, as
# instrumenting the core for libFuzzer takes longer than the run.

FUZZ_FLAGS = -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
# clang takes minutes to optimise the widest kernels with both sanitizers in them.
FUZZ_BUILD = $(MAKE) -s CC='$(WARNINGS_CLANG)' OBJDIR=build/fuzz/ BUILD_FLAGS='$(FUZZ_FLAGS)' \
	AVX512_FLAGS=-O0 FUZZ_DRIVER=-fsanitize=address,undefined,fuzzer fuzz-targets
FUZZ_TARGETS = $(patsubst %.c,$(OBJDIR)%,$(sort $(wildcard t/fuzz/fuzz_*.c)))
FUZZ_MAIN = $(OBJDIR)t/fuzz/replay.o
FUZZ_OBJS = $(addsuffix .o,$(FUZZ_TARGETS)) $(FUZZ_MAIN)
FUZZ_RUNS ?= 20000
FUZZ_CLIENT = build/fuzz/calls
FUZZ_SECONDS ?= 600

$(FUZZ_OBJS): $(OBJDIR)%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) -iquote src/core $(CORE_CFLAGS) -std=gnu11 $(BUILD_FLAGS) -MMD -MP -c -o $@ $<

# FUZZ_DRIVER: libFuzzer, by a flag, or what runs a target for a moment.
FUZZ_DRIVER = $(FUZZ_MAIN) -fsanitize=address,undefined

$(FUZZ_TARGETS): %: %.o $(FUZZ_MAIN) $(TEST_DIR)linked_blas.o $(CORE_OBJS)
	$(CC) -o $@ $< $(TEST_DIR)linked_blas.o $(CORE_OBJS) $(FUZZ_DRIVER) -ljansson $(BLAS_LIBS) -lm

-include $(wildcard $(FUZZ_OBJS:.o=.d))

$(FUZZ_CLIENT): t/fuzz/calls.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -std=gnu11 -I$(includedir) -o $@ $< -L$(libdir) -lpq

.PHONY: fuzz check-fuzz fuzz-targets

fuzz-targets: $(FUZZ_TARGETS)

check-fuzz: all $(FUZZ_CLIENT)
	+@$(SANITIZE_BUILD) fuzz-targets
	@PG_CONFIG='$(PG_CONFIG)' scripts/fuzz build/sanitize $(FUZZ_CLIENT) 4 $(FUZZ_RUNS)

fuzz: all $(FUZZ_CLIENT)
	+@$(FUZZ_BUILD)
	@PG_CONFIG='$(PG_CONFIG)' scripts/fuzz build/fuzz $(FUZZ_CLIENT) $(FUZZ_SECONDS)

# ---------------------------------------------------------------------------------------------
# The other tests

# All that is compiled
objects: $(OBJS) $(TEST_OBJS) $(BENCH_OBJS) $(FUZZ_OBJS)

# The house rules that a compiler does not know (scripts/check-boundary says which).
check-boundary: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-boundary $(shlib) $(CORE_OBJS)

# Every source under -Wall -Wextra, with gcc and with clang.  BUILD_LOG: what gcc said just now.
WARNINGS_CLANG = $(firstword $(shell command -v clang) $(shell command -v $(CLANG)) \
	$(wildcard /usr/bin/clang-[0-9]*) clang)

check-warnings:
	@scripts/check-warnings $(if $(BUILD_LOG),-l $(BUILD_LOG)) gcc '$(WARNINGS_CLANG)'

installcheck: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/server scripts/regress $(REGRESS_OPTS) $(REGRESS)

# Races, with sessions in lockstep (TESTS names some of them).
check-isolation: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/server scripts/isolation $(TESTS)

check-server: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-server $(TESTS)

# A thousand orders on the simulated exchange; check-server has a few.
check-exchange: all
	@PG_CONFIG='$(PG_CONFIG)' EXCHANGE_ORDERS=1000 scripts/check-server t/server/exchange.sh

# Working orders where it takes minutes: many at once, with pg_cron, which counts in minutes, and at
# the openings of a year.
check-work: all
	@PG_CONFIG='$(PG_CONFIG)' LEM_LOAD_ORDERS=10000 LEM_LOAD_SYMBOLS=1000 LEM_LOAD_MINUTES=10 \
		LEM_LOAD_SECONDS=10 LEM_LOAD_PAUSE=0.01 SESSIONS_FIRST=2025 SESSIONS_LAST=2025 scripts/check-server \
		t/server/work_load.sh t/minutes/work_cron.sh t/minutes/work_sessions.sh

# Openings in all weeks with a change of clocks, a holiday or an early close, year by year.
check-sessions: all
	@for year in 2019 2020 2021 2022 2023 2024 2025 2026 2027; do \
		PG_CONFIG='$(PG_CONFIG)' SESSIONS_FIRST=$$year SESSIONS_LAST=$$year \
			scripts/check-server t/minutes/work_sessions.sh || exit 1; done

# The examples of the documentation.
check-docs: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-docs

# Set up, build, then all of the above; the last line counts what passed and failed.
test:
	@PG_CONFIG='$(PG_CONFIG)' scripts/test

# Other versions of PostgreSQL (scripts/test-versions).
test-versions:
	@ROOTS='$(ROOTS)' PG_CONFIGS='$(PG_CONFIGS)' TESTS='$(TESTS)' scripts/test-versions $(VERSIONS)

# The core on other processors, emulated (PROCESSORS="arm64 s390x"; CROSS_TESTS names some tests).
check-cross:
	@PROCESSORS='$(PROCESSORS)' CROSS_TESTS='$(CROSS_TESTS)' scripts/check-cross

cross-exchange: $(CROSS_EXCHANGE)

valgrind: all
	@PG_CONFIG='$(PG_CONFIG)' TESTS='$(TESTS)' scripts/valgrind $(REGRESS_OPTS) $(REGRESS)

# Packages.
deb: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/deb

check-deb: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-deb

dist:
	@scripts/dist

check-dist:
	@PG_CONFIG='$(PG_CONFIG)' scripts/dist check

bench: all $(BENCH_PROGRAMS)
	@PG_CONFIG='$(PG_CONFIG)' BENCH_DIR=$(BENCH_DIR) scripts/bench $(BENCH)

# What many working orders take, from the costs of fewer (scripts/simulate-scale has the settings).
simulate-scale:
	@scripts/simulate-scale

# Instructions of the forward pass, under valgrind (COUNTS="medium:1 medium:64" for some).
count-instructions: $(BENCH_DIR)instructions
	@BENCH_DIR=$(BENCH_DIR) COUNTS='$(COUNTS)' scripts/count-instructions

# doc/performance.md: its machine and its tables, from a run of all benchmarks now and from the
# instructions that were counted last.
performance: bench
	@PG_CONFIG='$(PG_CONFIG)' scripts/performance

# Do the benchmarks work?  Small sizes, one round.
check-bench: all $(BENCH_PROGRAMS)
	@PG_CONFIG='$(PG_CONFIG)' BENCH_DIR=$(BENCH_DIR) scripts/check-bench

# The reports in a real browser.
check-pictures: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-pictures

# What a model learns where the best is known.
check-optima: all
	@PG_CONFIG='$(PG_CONFIG)' scripts/check-optima

# Samples a second of training, with one process and with two.
bench-train: all $(BENCH_PROGRAMS)
	@PG_CONFIG='$(PG_CONFIG)' BENCH_DIR=$(BENCH_DIR) scripts/bench train

setup:
	@scripts/setup

bundled: all
	@PG_CONFIG='$(PG_CONFIG)' BARS_DIR='$(BARS_DIR)' MODELS='$(MODELS)' WORKERS='$(WORKERS)' \
		scripts/bundled

evaluation:
	@BARS_DIR='$(BARS_DIR)' MODELS_DIR='$(MODELS_DIR)' scripts/evaluation

maker-evaluation: all
	@PG_CONFIG='$(PG_CONFIG)' BARS_DIR='$(BARS_DIR)' EPOCHS='$(EPOCHS)' OUT='$(OUT)' scripts/maker-evaluation

# The demonstration model of market making, from simulated books.
demo-maker: all
	@PG_CONFIG='$(PG_CONFIG)' OUT='$(OUT)' scripts/demo-maker

# Pages on a schedule and a backtest, from bars in a file.
report:
	@BARS='$(BARS)' SYMBOL='$(SYMBOL)' GAPS='$(GAPS)' EVERY='$(EVERY)' OUT='$(OUT)' scripts/report

demo:
	@BARS='$(BARS)' SYMBOL='$(SYMBOL)' GAPS='$(GAPS)' scripts/demo
