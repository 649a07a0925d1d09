#!/usr/bin/env bash
# Builds libtandem.so, the C++ shim over libtorch, and prints its path: nothing else goes to standard output.
#
#   native/build.sh [--quiet]
#
# Every native/*.cpp is a translation unit of its own. Results live in a cache folder whose name says all that decides them (libtorch,
# sources, flags, compiler, processor), so a second call answers at once, and several libtorches, checkouts and kinds of processor share
# one home folder without disturbing each other. Objects are cached one by one: after an edit only what changed is compiled.
#
#   LIBTORCH=FOLDER   a libtorch with include/ and lib/ (the official archive, or Python's torch folder); else Debian's libtorch-dev
#   CXX=COMPILER      else g++
#
# Exit codes: 0 built, 2 unknown option, 4 the machine lacks something or the compiler refused.
set -euo pipefail
export LC_ALL=C

here=${BASH_SOURCE[0]%/*}; [[ $here == "${BASH_SOURCE[0]}" ]] && here=.
here=$(cd "$here" && pwd)

quiet=
for argument in "$@"; do
    case $argument in
        --quiet) quiet=1 ;;
        *) echo "native/build.sh: unknown option $argument. Expected: nothing, or --quiet." >&2; exit 2 ;;
    esac
done

say() { [[ $quiet ]] || echo "$*" >&2; }
refuse() { echo "$*" >&2; exit 4; }

# --- libtorch ---------------------------------------------------------------------------------------------------------------------------

if [[ ${LIBTORCH:-} ]]; then
    [[ ! -d $LIBTORCH ]] || LIBTORCH=$(cd "$LIBTORCH" && pwd)
    include=$LIBTORCH/include library=$LIBTORCH/lib
    [[ -f $include/ATen/ATen.h && -f $library/libtorch_cpu.so ]] ||
        refuse "LIBTORCH=$LIBTORCH is not a libtorch folder: include/ATen/ATen.h and lib/libtorch_cpu.so are expected in it. Set it to the unpacked libtorch archive, or to Python's: python3 -c 'import torch; print(torch.__path__[0])'."
else
    include=/usr/include library=/usr/lib/x86_64-linux-gnu
    [[ -f $include/ATen/ATen.h && -f $library/libtorch_cpu.so ]] ||
        refuse "No libtorch was found. Install Debian's (apt-get install libtorch-dev libopenblas0-openmp), or set LIBTORCH to a folder with include/ and lib/."
fi

version_header=$include/torch/csrc/api/include/torch/version.h
[[ -f $version_header ]] || version_header=$include/torch/version.h
[[ -f $version_header ]] || refuse "torch/version.h is missing under $include: this libtorch has no C++ interface."
major=0 minor=0 patch=0
while read -r word name value _; do
    [[ $word == '#define' ]] || continue
    case $name in
        TORCH_VERSION_MAJOR) major=$value ;;
        TORCH_VERSION_MINOR) minor=$value ;;
        TORCH_VERSION_PATCH) patch=$value; break ;;
    esac
done < "$version_header"
torch_version=$major.$minor.$patch

# --- what decides the result ------------------------------------------------------------------------------------------------------------

compiler=${CXX:-g++}
compiler_path=$(command -v "$compiler") ||
    refuse "The C++ compiler $compiler was not found. Install one: apt-get install g++."

shopt -s nullglob
units=("$here"/*.cpp) headers=("$here"/*.h)
shopt -u nullglob
(( ${#units[@]} )) || refuse "There is nothing to build: no .cpp file in $here."

standard=17
if (( major > 2 || (major == 2 && minor >= 9) )); then standard=20; fi

# -fno-strict-aliasing and the like are left to libtorch's own defaults: the shim only calls it and runs a few fused loops.
flags=(-O3 -march=native "-std=c++$standard" -fopenmp -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math -Wall -Wno-unused-function
    -isystem "$include/torch/csrc/api/include" -I "$here")
# /usr/include must stay where the compiler has it: named again, it would come before the C++ library's own headers.
[[ $include == /usr/include ]] || flags+=(-isystem "$include")
# Process groups: Debian keeps Gloo's headers in a package of their own; some archives bring them along, others have none.
[[ -f $include/gloo/config.h ]] && flags+=(-DUSE_C10D_GLOO)
[[ ${LIBTORCH:-} && -f $library/libtorch_cuda.so ]] && flags+=(-DUSE_CUDA -DUSE_C10D_NCCL)

# One pass over the small files; the large ones (libtorch, the compiler) stand for themselves by size and time.
{
    read -r processor_key
    read -r recipe_key
    mapfile -t sums
} < <(
    grep -m2 -E '^(model name|flags)' /proc/cpuinfo | sha256sum
    { printf '%s\n' "${flags[*]}"; stat -L -c '%s %Y' "$compiler_path" "$library/libc10.so" "$library/libtorch_cpu.so"; } | sha256sum
    sha256sum "${units[@]}" "${headers[@]}" "${BASH_SOURCE[0]}"
)
common="$torch_version $library ${processor_key%% *} ${recipe_key%% *}"
script_sum=${sums[-1]%% *}
hashes=() header_sums=$script_sum
for i in "${!sums[@]}"; do
    hashes+=("${sums[i]%% *}")
    (( i >= ${#units[@]} )) && header_sums+=" ${sums[i]%% *}"
done
key=$(printf '%s\n' "$common" "${hashes[@]}" | sha256sum)
name=$torch_version-${key:0:16}

# --- already there? ---------------------------------------------------------------------------------------------------------------------

preferred=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/native
fallback=${here%/*}/artifacts/native
for cache in "$preferred" "$fallback"; do
    if [[ -f $cache/$name/libtandem.so ]]; then
        echo "$cache/$name/libtandem.so"
        exit 0
    fi
done

# --- no: build --------------------------------------------------------------------------------------------------------------------------

cache=
for candidate in "$preferred" "$fallback"; do
    if mkdir -p "$candidate/objects" 2>/dev/null && [[ -w $candidate && -w $candidate/objects ]]; then cache=$candidate; break; fi
done
[[ $cache ]] || refuse "The shim cannot be kept anywhere: neither $preferred nor $fallback can be written. Set XDG_CACHE_HOME to a folder of yours."
result=$cache/$name/libtandem.so

exec 9> "$cache/lock"
if ! flock -n 9; then
    say "native: another process is building; waiting for it"
    flock 9
fi
if [[ -f $result ]]; then echo "$result"; exit 0; fi

work=$(mktemp -d "$cache/.build.XXXXXX")
running=()
clean() {
    local status=$?
    trap - EXIT
    # With their groups: a compiler's driver does not take its children along.
    local pid
    for pid in "${running[@]+"${running[@]}"}"; do kill -- "-$pid" 2>/dev/null || true; done
    exec 2> /dev/null # all is said; the shell need not tell of each unit that was ended
    rm -rf "$work"
    exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# These two are functions of libtorch's files, which the key already holds, so they are looked up only now.
if grep -qE '__cplusplus *< *202002L' "$include/torch/csrc/api/include/torch/all.h" 2>/dev/null; then
    flags+=(-std=c++20)
fi
abi=1
grep -q 'torchCheckFailEPKcS2_jRKSs' "$library/libc10.so" && abi=0
flags+=("-D_GLIBCXX_USE_CXX11_ABI=$abi")

compile() { # UNIT OBJECT LOG: one translation unit, beside and renamed
    local started=$SECONDS
    if "$compiler" "${flags[@]}" -c "$1" -o "$work/${2##*/}" > "$3" 2>&1 9>&-; then
        mv "$work/${2##*/}" "$2"
        say "native: ${1##*/} compiled in $((SECONDS - started)) s"
    else
        return 1
    fi
}

objects=() waiting=()
for i in "${!units[@]}"; do
    object_key=$(printf '%s\n' "$common" "$header_sums" "${hashes[i]}" | sha256sum)
    object=$cache/objects/$(basename "${units[i]}" .cpp)-${object_key:0:16}.o
    objects+=("$object")
    [[ -f $object ]] || waiting+=("$i")
done
say "native: building the shim for libtorch $torch_version: ${#waiting[@]} of ${#units[@]} units to compile"

declare -A unit_of=()
failed=
finish_one() { # waits for any running unit; remembers a failure
    local pid status=0
    wait -n -p pid "${running[@]}" || status=$?
    local left=() other
    for other in "${running[@]}"; do [[ $other != "$pid" ]] && left+=("$other"); done
    running=("${left[@]+"${left[@]}"}")
    (( status == 0 )) || failed=${unit_of[$pid]}
}

jobs=$(nproc)
set -m # each unit in a process group of its own
for i in "${waiting[@]+"${waiting[@]}"}"; do
    while (( ${#running[@]} >= jobs )); do finish_one; done
    [[ $failed ]] && break
    compile "${units[i]}" "${objects[i]}" "$work/$i.log" &
    running+=("$!")
    unit_of[$!]=$i
done
while (( ${#running[@]} )); do finish_one; done
set +m

explain() { # WHAT LOG: the compiler's last lines, then what they mean
    { echo; tail -n 25 "$2"; echo; } >&2
    refuse "$1 with $compiler_path against libtorch $torch_version ($library). The lines above are the compiler's. If memory ran out (\"Killed\"), close other programs and start again: units that are done are kept. If the compiler is older than g++ 9, install a newer one. Otherwise libtorch and these sources do not fit: 1.13 and newer are known to work; another libtorch is chosen by LIBTORCH=FOLDER."
}
[[ $failed ]] && explain "native/${units[failed]##*/} could not be compiled" "$work/$failed.log"

link=(-shared -L "$library" -ltorch -ltorch_cpu -lc10)
if [[ ${LIBTORCH:-} ]]; then
    link+=("-Wl,-rpath,$library")
    # Registration happens in static constructors: the linker sees no use of these and must not drop them.
    [[ -f $library/libtorch_cuda.so ]] && link+=(-Wl,--no-as-needed -lc10_cuda -ltorch_cuda -Wl,--as-needed)
fi
# Archives bring an OpenMP runtime under a name of their own; a second one in the process would mean two teams of threads.
openmp=-fopenmp
for file in "$library"/libgomp-*.so*; do [[ -f $file ]] && openmp=$file; done
if [[ -f $include/gloo/config.h && ! ${LIBTORCH:-} ]]; then link+=(-lgloo); fi

say "native: linking"
"$compiler" -o "$work/libtandem.so" "${objects[@]}" "${link[@]}" "$openmp" > "$work/link.log" 2>&1 || explain "libtandem.so could not be linked" "$work/link.log"

mkdir -p "$cache/$name"
mv "$work/libtandem.so" "$result"
# Objects and libraries that nothing asked for in a long time.
find "$cache/objects" -name '*.o' -mtime +30 -delete 2>/dev/null || true
echo "$result"
