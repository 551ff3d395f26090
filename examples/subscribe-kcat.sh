#!/bin/sh
# Follow the live topics with kcat: the id of the cluster, a tab, its record; without a record it is gone.
# Usage: examples/subscribe-kcat.sh [broker] [prefix] [more options of kcat, e.g. -e to stop at the end]
broker="${1:-localhost:9092}"
prefix="${2:-groundswell.}"
[ $# -gt 2 ] && shift 2 || shift $#
exec kcat -q -C -b "$broker" -t "${prefix}clusters" -o beginning -X isolation.level=read_committed \
    -f '%k\t%s\n' "$@"
