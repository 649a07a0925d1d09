#!/usr/bin/env bash
# Sets up like ./tandem, builds everything, and runs the tests. The last line is "N passed, N failed", with ", N skipped" where there are.
#
#   ./test.sh                  all
#   ./test.sh Floors Recipe    those whose full name (namespace, class, method) contains one of these texts
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source native/setup.sh

check_platform
choose_state
find_dotnet
check_packages
warn_of_blas
check_sdk
build_shim > /dev/null
# The tests start dotnet and programs of their own; an SDK in one's home folder is known to nobody else.
DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$dotnet")")} PATH=$(dirname "$dotnet"):$PATH
export DOTNET_ROOT PATH
lock
say "building the tests"
dotnet_build Tandem.slnx "$state/build-tests.log" || explain_build "The solution" "$state/build-tests.log"
unlock

filters=()
for text in "$@"; do filters+=(-method "*$text*"); done
plain=()
[[ -t 1 && ! ${NO_COLOR:-} ]] || plain=(-noColor)
results=$state/test-results.xml
rm -f "$results"
status=0
# The runner's own choice of reporter depends on the machine it runs on; counts come from its file, not from its words.
"$dotnet" "$state/bin/Tandem.Tests/release/Tandem.Tests.dll" -noLogo -noAutoReporters -longRunning 120 -result-xml "$results" "${plain[@]}" "${filters[@]}" || status=$?

count() { # ATTRIBUTE of the results' assembly
    local value
    value=$(grep -m1 -o '<assembly [^>]*>' "$results" | grep -o " $1=\"[0-9]*\"" | tr -dc 0-9)
    echo "${value:-0}"
}

echo
if [[ ! -s $results ]]; then
    echo "The test process ended with code $status before it could report: what it was doing stands above." >&2
    echo "0 passed, 1 failed"
    exit 1
fi
passed=$(count passed) failed=$(($(count failed) + $(count errors))) skipped=$(($(count skipped) + $(count not-run)))
(( failed || status == 0 )) || failed=1
if (( passed + failed + skipped == 0 )); then
    echo "No test has a name that contains: $*" >&2
    failed=1
fi
line="$passed passed, $failed failed"
(( skipped )) && line+=", $skipped skipped"
echo "$line"
(( failed == 0 ))
