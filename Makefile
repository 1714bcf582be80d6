# dnsd - see README.md. The targets that people use: all (default), run, check
# (= test), lint, fuzz, bench, install, deb, deps, deps-test, clean.
# A second flavour beside the first: make B=build-asan CFLAGS='-O1 -g ...'

B ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
PYTHON ?= /usr/bin/python3
VERSION := 0.1.0

PACKAGES := ldns libevent libevent_pthreads libevent_openssl openssl \
	libmaxminddb libcurl liburcu-memb yaml-0.1 jansson sqlite3
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-parameter $(if $(CI),-Werror)
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -fno-strict-aliasing -fstack-protector-strong \
	-D_GNU_SOURCE -pthread -Idnsd -I. -DDNSD_VERSION='"$(VERSION)"' \
	-DDNSD_SYSCONFDIR='"$(SYSCONFDIR)"' \
	$(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm

SOURCES := $(sort $(wildcard dnsd/*/*.c zones/*.c geo/*.c conf/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/obj/%.o)
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BINARIES := $(UNIT:tests/unit/%.c=$(B)/tests/%)
UNIT_HELPERS := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))

all: $(B)/dnsd

$(B)/dnsd: $(B)/obj/dnsd/main.o $(B)/libdnsd.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Thin: the objects stay the truth.
$(B)/libdnsd.a: $(OBJECTS)
	@rm -f $@
	$(AR) rcsT $@ $^

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/dnsd/page/page.o: dnsd/page/index.html

$(B)/tests/%: tests/unit/%.c $(UNIT_HELPERS) $(B)/libdnsd.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -Itests -o $@ \
		$(filter %.c %.a,$^) $(LIBS) -lcmocka

unit: $(UNIT_BINARIES)
	@for t in $(UNIT_BINARIES); do ./$$t || exit 1; done

clean:
	rm -rf $(B)

.PHONY: all unit clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
