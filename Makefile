# dnsd - see README.md. The targets that people use: all (default), run, run-cluster,
# check (= test), lint, fuzz, bench, bench-steer, bench-control, bench-measure, sim, pictures,
# measure-static (dnsd-measure, for nodes), install, install-measure, deb (packages), deb-test
# and deb-twice (what becomes of them, and of a second build), static (an archive with dnsd as
# one file), dist (a source archive that builds without npm), geo, deps, deps-demo, deps-test,
# clean.
# A second flavour beside the first: make B=build-asan CFLAGS='-O1 -g ...'

B ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2
# Functions of one file into another's: 7 % of the instructions of an answer. Not
# for flavours, which are to be built fast; nor for tests, which are many.
LTO := $(if $(filter file,$(origin CFLAGS)),$(if $(findstring gcc,$(CC)),-flto=auto))
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
# Debian's packages have another folder for it.
ZSH_FUNCTIONS ?= $(PREFIX)/share/zsh/site-functions
PYTHON ?= /usr/bin/python3
VERSION := 0.2.0
# For tests and the demonstration, whatever the flavour.
ETCD := build/etcd
DNSDIST := build/dnsdist
SECONDARIES := build/secondaries

PACKAGES := ldns libevent libevent_pthreads libevent_openssl openssl \
	libmaxminddb libcurl liburcu-memb yaml-0.1 jansson sqlite3 libseccomp \
	libfstrm libprotobuf-c
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-parameter $(if $(CI),-Werror)
# No path of this machine is in the program: two builds of one commit are equal.
BASE_CFLAGS = -std=gnu17 $(WARNINGS) -fno-strict-aliasing -fstack-protector-strong \
	-D_GNU_SOURCE -pthread -Idnsd -I. -I$(B)/gen -DDNSD_VERSION='"$(VERSION)"' \
	-ffile-prefix-map='$(CURDIR)'=. \
	-DDNSD_SYSCONFDIR='"$(SYSCONFDIR)"' \
	$(shell pkg-config --cflags $(PACKAGES))
ALL_CFLAGS = $(BASE_CFLAGS) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm
# What is linked stands read-only before main; the id finds the debugging symbols.
HARDENED := -Wl,-z,relro,-z,now,--build-id=sha1

SOURCES := $(sort $(wildcard dnsd/*/*.c zones/*.c geo/*.c conf/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/obj/%.o) $(B)/obj/gen/tap.pb-c.o
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BINARIES := $(UNIT:tests/unit/%.c=$(B)/tests/%)
BENCH_BINARIES := $(B)/bench/turns.so $(patsubst tests/bench/%.c,$(B)/bench/%, \
	$(filter-out %/turns.c,$(wildcard tests/bench/*.c)))
FUZZ := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SECONDS ?= 20
FUZZ_B := $(B)-fuzz
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

# V=1 shows the commands whole.
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1) $(2)")
JOBS := -j$(shell nproc)

all: $(B)/dnsd

# -- building --

$(B)/dnsd: $(B)/obj/dnsd/main.o $(B)/libdnsd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LTO) $(HARDENED) $(LDFLAGS) -o $@ $^ $(LIBS)

# Thin: the objects stay the truth.
$(B)/libdnsd.a: $(OBJECTS)
	@rm -f $@
	@$(AR) rcsT $@ $^

# One file each that needs no library and no package of the system that it runs on. The
# linker warns of what glibc would look for there: libevent asks for names itself, and
# static.c keeps glibc to files and DNS. --no-warnings would hide errors as well.
SHOWN = >$@.log 2>&1 || { cat $@.log >&2; exit 1; }

# For nodes; its flags are its own.
MEASURE_OBJECTS := $(patsubst %.c,$(B)/static/%.o,dnsd/main_measure.c dnsd/cli/measure.c \
	$(sort $(wildcard dnsd/measure/*.c dnsd/base/*.c)))
MEASURE_CFLAGS := -O2 -g -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections
MEASURE_LIBS = $(shell pkg-config --static --libs \
	libevent_extra libevent_core libevent_openssl openssl) -lm

measure-static: $(B)/dnsd-measure

$(B)/dnsd-measure: $(MEASURE_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(MEASURE_CFLAGS) -static-pie $(HARDENED) -Wl,--gc-sections \
		-o $@ $^ $(MEASURE_LIBS) $(SHOWN)

# The server, for systems without packages: static.c says what its libcurl lacks.
STATIC_LIBS = $(filter-out -lrtmp -lgssapi_krb5 -lldap -llber, \
	$(shell pkg-config --static --libs $(PACKAGES))) -lunistring -lbrotlicommon -lm

$(B)/dnsd-static: $(B)/obj/dnsd/main.o $(B)/obj/dnsd/static.o $(B)/libdnsd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LTO) -static-pie $(HARDENED) -Wl,--gc-sections -o $@ $^ \
		-Wl,--start-group $(STATIC_LIBS) -Wl,--end-group $(SHOWN)

# An archive with it and all that belongs to it.
static: deps-static
	@$(MAKE) --no-print-directory $(JOBS) $(B)/dnsd $(B)/dnsd-static
	@B=$(B) MAKE='$(MAKE)' sh conf/static.sh $(VERSION)

$(B)/static/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE_CFLAGS) $(MEASURE_CFLAGS) -MMD -MP -c -o $@ $<

# Another version or folder of configuration is another program.
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(ALL_CFLAGS) $(LTO) $(LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CFLAGS) $(LTO) $(LDFLAGS)' > $@

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(LTO),$(LTO) -ffat-lto-objects) -MMD -MP \
		-c -o $@ $<

# dnstap's messages as C.
$(B)/gen/tap.pb-c.c: dnsd/dnstap/tap.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$@)
	$(Q)protoc-c --c_out=$(@D) -I $(<D) $(<F)

$(B)/obj/gen/tap.pb-c.o: $(B)/gen/tap.pb-c.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(LTO),$(LTO) -ffat-lto-objects) -c -o $@ $<

$(B)/obj/dnsd/dnstap/frame.o: $(B)/gen/tap.pb-c.c

# What is in assembler, optimisation does not see.
$(B)/obj/dnsd/page/page.o: LTO :=
$(B)/obj/dnsd/page/page.o: ALL_CFLAGS += -DPAGE_FILE='"$(B)/page/index.html"'
$(B)/obj/dnsd/page/page.o: $(B)/page/index.html

# The page and the player. full: from npm's packages as the lock file names them;
# built: as the source archive brings them; plain: a table, and no player.
PAGE ?= $(if $(wildcard dnsd/page/built),built,full)
PAGE_SOURCES := $(shell find dnsd/page -name node_modules -prune -o -name dist -prune \
	-o -name built -prune -o -type f -print)
NODE_MODULES := $(if $(filter full,$(PAGE)),dnsd/page/node_modules/.package-lock.json)

$(B)/page/index.html: $(B)/page/kind $(NODE_MODULES) $(PAGE_SOURCES)
	$(call say,PAGE,$@)
	$(Q)rm -rf $(@D)/player $(@D)/sbom.json
	$(Q)$(PAGE_$(PAGE))

PAGE_full = node dnsd/page/build.mjs $(abspath $(@D))
PAGE_built = cp -r dnsd/page/built/. $(@D) && touch $@
PAGE_plain = gzip -9nc dnsd/page/plain.html > $@.gz && cp dnsd/page/plain.html $@ && \
	echo "  PAGE=plain: a table of nodes instead of the map, history and drain buttons;" && \
	echo "  no player for websites. All of it: docs/install.md, 'Without npm'."

# Another kind is another page.
$(B)/page/kind: FORCE
	$(if $(PAGE_$(PAGE)),,$(error PAGE=$(PAGE): it is full, built or plain))
	@mkdir -p $(@D)
	@echo $(PAGE) | cmp -s - $@ || echo $(PAGE) > $@

dnsd/page/node_modules/.package-lock.json: dnsd/page/package-lock.json
	$(call say,NPM,$(@D))
	$(Q)cd dnsd/page && npm ci --ignore-scripts --no-progress --loglevel=error || { \
		echo "npm brings no packages: make PAGE=plain does without them" >&2; exit 1; }
	@touch $@

# Not optimised over files: that is most of the time that linking takes. A test may include
# the file that it tests, which is a prerequisite then.
$(B)/tests/%: tests/unit/%.c $(B)/libdnsd.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto $(LDFLAGS) -MMD -MP -MF $@.d -Itests -o $@ \
		$(filter tests/unit/%.c %.a,$^) $(LIBS) -lcmocka

$(B)/bench/turns.so: tests/bench/turns.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

$(B)/bench/%: tests/bench/%.c $(B)/libdnsd.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LTO) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

# -- running --

# The demonstration: a fleet of SRS stand-ins, dnsd, dig lines to try.
run: deps-demo
	@$(MAKE) --no-print-directory $(JOBS) $(B)/dnsd
	@$(PYTHON) tests/system/demo.py $(B)/dnsd

# The same with three name servers and three members of etcd.
run-cluster: deps-demo $(ETCD)/etcd
	@$(MAKE) --no-print-directory $(JOBS) $(B)/dnsd
	@$(PYTHON) tests/system/demo_cluster.py $(B)/dnsd

# Where addresses are, of a free licence, for the demonstration and for trying:
# docs/geoip.md. GEO: other sources.
geo: $(B)/dnsd
	@sh conf/dnsd-geo-update -d build/geo -p $(CURDIR)/$(B)/dnsd $(GEO)

# -- testing --

test check: deps-test
	@$(MAKE) --no-print-directory $(JOBS) $(B)/dnsd $(UNIT_BINARIES)
	@$(MAKE) --no-print-directory lint unit system

unit-programs: $(UNIT_BINARIES)

unit: unit-programs
	@printf '%s\n' $(abspath $(UNIT_BINARIES)) | xargs -P $(shell nproc) -I% sh -c \
		'% >%.log 2>&1 || { cat %.log; echo "unit: % failed"; exit 1; }'
	@echo "unit: $(words $(UNIT_BINARIES)) programs passed"

# TESTS: names of tests, and options of run.py.
TESTS ?=

system: $(B)/dnsd $(B)/dnsd-measure $(B)/later.so $(B)/steady $(ETCD)/etcd $(DNSDIST)/dnsdist \
		$(SECONDARIES)/named
	@DNSD=$(CURDIR)/$(B)/dnsd $(PYTHON) tests/system/run.py $(TESTS)

# Not sanitized: it is there before the sanitizers are.
$(B)/later.so: tests/system/later.c
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $<

$(B)/steady: tests/system/steady.c
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -o $@ $<

lint: $(NODE_MODULES)
	@$(PYTHON) tests/lint/lint.py
	@$(PYTHON) tests/lint/docs.py
	@$(PYTHON) tests/mutate.py --stale
	@clang-format --dry-run -Werror $$(find conf dnsd geo tests zones \
		-name node_modules -prune -o -name '*.[ch]' -print)
	@echo "lint: format ok"
ifeq ($(PAGE),full)
	@cd dnsd/page && npx tsc -p .
	@dnsd/page/node_modules/.bin/tsc -p dnsd/page/player
	@echo "lint: page and player ok"
else
	@echo "lint: PAGE=$(PAGE): page and player not looked at"
endif

# Every target for FUZZ_SECONDS over its corpus, under ASan and UBSan; or built alone.
fuzz: fuzz-run.fuzz
fuzz-build: fuzz-programs.fuzz
%.fuzz:
	@$(MAKE) --no-print-directory $(JOBS) B=$(FUZZ_B) CC=clang \
		CFLAGS='$(FUZZ_CFLAGS)' $*

fuzz-programs: $(addprefix $(B)/fuzz/,$(FUZZ))

fuzz-run: fuzz-programs
	@mkdir -p $(FUZZ:%=$(B)/corpus/%)
	@printf '%s\n' $(FUZZ:fuzz_%=%) | xargs -P $(shell nproc) -I% sh -c \
		'$(B)/fuzz/fuzz_% -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-rss_limit_mb=4096 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz_%- $(B)/corpus/fuzz_% \
			tests/data/fuzz/% >$(B)/fuzz_%.log 2>&1 || \
		{ tail -40 $(B)/fuzz_%.log; echo "fuzz: % failed"; exit 1; }; \
		echo "fuzz: % $$(grep number_of_executed_units $(B)/fuzz_%.log)"'

$(B)/fuzz/%: tests/fuzz/%.c $(B)/libdnsd.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -Itests -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

bench: deps-test
	@$(MAKE) --no-print-directory $(B)/dnsd $(BENCH_BINARIES)
	@DNSD=$(CURDIR)/$(B)/dnsd BENCH=$(CURDIR)/$(B)/bench \
		$(PYTHON) tests/bench/bench.py $(ARGS)

# Evenings in virtual time, for dnsd and two simple rules: docs/simulator.md.
SEEDS ?= 1
SIM ?=
DNSD ?= $(CURDIR)/$(B)/dnsd

sim: $(B)/dnsd
	@DNSD=$(DNSD) nice -n 10 $(PYTHON) tests/sim/sim.py --seeds $(SEEDS) $(SIM)

pictures: $(B)/dnsd
	@DNSD=$(DNSD) nice -n 10 $(PYTHON) tests/sim/pictures.py

# Steering alone, in one process.
bench-steer: $(B)/bench/bench_steer
	@$<

# And each step of an answer.
bench-micro: $(B)/bench/bench_micro
	@BENCH=$(CURDIR)/$(B)/bench $(PYTHON) tests/bench/micro.py $(ARGS)

bench-growth: deps-test
	@$(MAKE) --no-print-directory $(B)/dnsd $(BENCH_BINARIES)
	@DNSD=$(CURDIR)/$(B)/dnsd BENCH=$(CURDIR)/$(B)/bench \
		$(PYTHON) tests/bench/growth.py $(ARGS)

# What polls, builds and reloads cost, and what queries notice of them.
bench-control: deps-test
	@$(MAKE) --no-print-directory $(B)/dnsd $(BENCH_BINARIES)
	@DNSD=$(CURDIR)/$(B)/dnsd BENCH=$(CURDIR)/$(B)/bench \
		$(PYTHON) tests/bench/control.py $(ARGS)

# What the agent costs on a node with 10,000 viewers, as both programs.
bench-measure: $(B)/dnsd $(B)/dnsd-measure
	@for agent in "$(DNSD) measure" $(CURDIR)/$(B)/dnsd-measure; do \
		$(PYTHON) tests/bench/measure.py --agent "$$agent" $(ARGS); done

# -- setting up: what is missing is installed, nothing is started --

DEPS := build-essential pkg-config libldns-dev libevent-dev libmaxminddb-dev \
	libcurl4-openssl-dev liburcu-dev libyaml-dev libjansson-dev \
	libsqlite3-dev libssl-dev libseccomp-dev libfstrm-dev \
	libprotobuf-c-dev protobuf-c-compiler ca-certificates python3 \
	$(if $(filter full,$(PAGE)),$(if $(shell command -v npm),,nodejs npm))
DEPS_TEST := $(DEPS) clang clang-format libclang-rt-14-dev libcmocka-dev \
	python3-dnspython bind9-dnsutils curl libmaxmind-db-writer-perl \
	iproute2 procps man-db unbound knot-dnsutils bind9-utils ldnsutils groff chromium ffmpeg zsh prometheus fstrm-bin

# What the demonstration prints to be tried, and letters for its class page.
DEPS_DEMO := $(DEPS) bind9-dnsutils curl fonts-wqy-microhei

# What libcurl is linked with.
DEPS_STATIC := $(DEPS) libnghttp2-dev libidn2-dev libunistring-dev libssh2-1-dev \
	libpsl-dev libzstd-dev libbrotli-dev zlib1g-dev

deps:
	@sh tests/install.sh $(DEPS)

deps-static:
	@sh tests/install.sh $(DEPS_STATIC)

deps-demo:
	@sh tests/install.sh $(DEPS_DEMO)

deps-test:
	@sh tests/install.sh $(DEPS_TEST)
	@$(MAKE) -s $(ETCD)/etcd $(DNSDIST)/dnsdist $(SECONDARIES)/named

$(ETCD)/etcd:
	@sh tests/etcd.sh $(@D)

$(DNSDIST)/dnsdist:
	@sh tests/dnsdist.sh $(@D)

$(SECONDARIES)/named:
	@sh tests/secondaries.sh $(@D)

# -- installing --

install: $(B)/dnsd
	install -D -m 755 $(B)/dnsd $(DESTDIR)$(PREFIX)/sbin/dnsd
	install -D -m 755 conf/dnsd-geo-update $(DESTDIR)$(PREFIX)/sbin/dnsd-geo-update
	install -D -m 644 docs/dnsd.8 $(DESTDIR)$(PREFIX)/share/man/man8/dnsd.8
	install -D -m 644 docs/dnsd-geo-update.8 \
		$(DESTDIR)$(PREFIX)/share/man/man8/dnsd-geo-update.8
	install -D -m 644 docs/dnsd.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/dnsd.yaml.5
	install -D -m 644 conf/dnsd.schema.json $(DESTDIR)$(PREFIX)/share/dnsd/dnsd.schema.json
	install -D -m 755 conf/dnsd-geo-asn $(DESTDIR)$(PREFIX)/share/dnsd/dnsd-geo-asn
	install -D -m 644 conf/prometheus/dnsd.rules.yml \
		$(DESTDIR)$(PREFIX)/share/dnsd/prometheus/dnsd.rules.yml
	install -D -m 644 conf/grafana/dnsd.json $(DESTDIR)$(PREFIX)/share/dnsd/grafana/dnsd.json
	install -D -m 644 conf/completion/dnsd.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dnsd
	install -d $(DESTDIR)$(ZSH_FUNCTIONS)
	sed 's|/usr/local/share|$(PREFIX)/share|' conf/completion/_dnsd > \
		$(DESTDIR)$(ZSH_FUNCTIONS)/_dnsd
ifeq ($(PAGE),plain)
	@echo "without the player for websites: PAGE=plain"
else
	install -d $(DESTDIR)$(PREFIX)/share/dnsd/player
	install -m 644 $(B)/page/player/*.js $(B)/page/player/*.d.ts \
		$(B)/page/player/LICENSES.txt dnsd/page/player/README.md \
		$(DESTDIR)$(PREFIX)/share/dnsd/player
	install -m 644 $(B)/page/sbom.json $(DESTDIR)$(PREFIX)/share/dnsd/sbom.json
endif
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/sbin|$(PREFIX)/sbin|g;s|/etc/dnsd|$(SYSCONFDIR)/dnsd|g' \
		conf/dnsd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/dnsd.service
	sed 's|/usr/local/sbin|$(PREFIX)/sbin|g;s|/etc/dnsd|$(SYSCONFDIR)/dnsd|g' \
		conf/dnsd-measure.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/dnsd-measure.service
	sed 's|/usr/local/sbin|$(PREFIX)/sbin|g;s|/etc/dnsd|$(SYSCONFDIR)/dnsd|g' \
		conf/dnsd-geo-update.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/dnsd-geo-update.service
	install -m 644 conf/dnsd-geo-update.timer \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/dnsd-geo-update.timer
	@if [ -e $(DESTDIR)$(SYSCONFDIR)/dnsd/dnsd.yaml ]; then \
		echo "keeping $(DESTDIR)$(SYSCONFDIR)/dnsd/dnsd.yaml"; \
	else \
		install -D -m 640 conf/dnsd.yaml $(DESTDIR)$(SYSCONFDIR)/dnsd/dnsd.yaml; \
		install -D -m 644 conf/example.com.zone $(DESTDIR)$(SYSCONFDIR)/dnsd/example.com.zone; \
	fi

# For a node that has no dnsd: the file and its unit.
install-measure: $(B)/dnsd-measure
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/sbin/dnsd-measure
	install -D -m 644 docs/dnsd-measure.8 $(DESTDIR)$(PREFIX)/share/man/man8/dnsd-measure.8
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/sbin/dnsd measure|$(PREFIX)/sbin/dnsd-measure|;s|/etc/dnsd|$(SYSCONFDIR)/dnsd|g' \
		conf/dnsd-measure.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/dnsd-measure.service

# The sources with the built page and player in them: needs a clone.
dist: $(B)/page/index.html
	@B=$(B) PAGE=$(PAGE) sh conf/dist.sh $(VERSION)

deb:
	@B=$(B) MAKE='$(MAKE)' sh conf/deb.sh $(VERSION)

# What becomes of the packages in a bare Debian 12: for root.
deb-test:
	@[ "$$(id -u)" = 0 ] || { echo "deb-test: makes a Debian by debootstrap, for root" >&2; exit 1; }
	@sh tests/install.sh debootstrap
	@$(MAKE) --no-print-directory deb
	@$(MAKE) --no-print-directory static
	@unshare -m $(PYTHON) tests/deb/bare.py $(B)

# Two builds of what is committed, which must be equal.
deb-twice: deps-static
	@B=$(B) sh tests/deb/twice.sh

clean:
	rm -rf $(B) $(FUZZ_B)

FORCE:
.PHONY: all run run-cluster geo test check unit unit-programs system lint fuzz fuzz-build fuzz-programs fuzz-run bench bench-steer \
	bench-growth bench-micro bench-control bench-measure measure-static static sim pictures deps deps-static deps-demo deps-test install \
	install-measure dist deb deb-test deb-twice clean FORCE
.SECONDARY:
-include $(shell find $(B)/obj $(B)/static $(B)/tests $(B)/bench -name '*.d' -type f 2>/dev/null)
