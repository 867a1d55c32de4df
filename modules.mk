# SPDX-License-Identifier: BSD-2-Clause
#
# The modules: each is one folder, one archive, and a line here that says what
# it may include besides itself (doc/architecture.md).  A user of a module is
# linked with everything that the module uses.  The Makefile builds from these
# lines, and tests/tree/includes.sh checks every #include against them.
#
# aoe.h is the library's public interface: this header, and nothing else of
# initiator/libaoe.

uses.base :=
uses.wire := base
uses.initiator/libaoe := wire base
uses.initiator/client := aoe.h base
uses.initiator/aoe := initiator/client aoe.h wire base
uses.bridge/nbd := initiator/client aoe.h base
uses.bridge/aoe-nbd/kernel := bridge/nbd initiator/client aoe.h base
uses.bridge/aoe-nbd := bridge/aoe-nbd/kernel bridge/nbd initiator/client aoe.h base
uses.bridge/aoe-fuse := initiator/client aoe.h base
uses.bridge/nbdkit := initiator/client aoe.h base
uses.target/protocol := wire base
uses.target/store := target/protocol wire base
uses.target/store/nbd := target/store target/protocol base
uses.target/config := target/store target/protocol wire base
uses.target/serve := target/config target/store target/protocol wire base
uses.target/import := target/config target/store target/protocol wire base
uses.target := target/import target/serve target/config target/store/nbd target/store target/protocol wire base

# What a folder with a main.c becomes.
program.initiator/aoe := aoe
program.bridge/aoe-nbd := aoe-nbd
program.bridge/aoe-fuse := aoe-fuse
program.target := aoe-target

# Libraries: without one a module is left out, or has fewer features.
needs.bridge/aoe-fuse := FUSE
needs.bridge/aoe-nbd/kernel := NL
needs.bridge/nbdkit := NBDKIT
needs.target/store/nbd := NBD
takes.wire := PCAP
takes.target/store := URING
takes.target := SECCOMP

# Files that depend on each other in a cycle: none.  If one is unavoidable,
# circles.MODULE := NUMBER says how many files, and a comment why.
