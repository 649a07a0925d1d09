# Makes the machine ready and the programs built. Read by ./tandem, ./test.sh and bench/run, so that all of them work on the very same
# thing. Everything here is safe to interrupt and safe to start twice at once: what is half done is done again, under a lock, and what is
# done is found in milliseconds.
#
#   TANDEM_SETUP=skip   leaves packages alone: no check, no installation

tandem_root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
state=$tandem_root/artifacts
# The shim is built from other folders than the one we were started in.
if [[ ${LIBTORCH:-} && -d $LIBTORCH ]]; then LIBTORCH=$(cd "$LIBTORCH" && pwd); export LIBTORCH; fi

say() { echo "tandem: $*" >&2; }
refuse() { echo "$*" >&2; exit 4; }

# A folder of everybody's (installed by someone else) is not written to: what is built then lies in the user's cache.
choose_state() {
    [[ -d $state ]] || mkdir -p "$state" 2> /dev/null || true
    if [[ ! -w $state ]]; then
        local cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem name
        name=$(printf '%s' "$tandem_root" | sha256sum)
        state=$cache/${name:0:16}
        mkdir -p "$state" 2> /dev/null || refuse "Tandem can write neither $tandem_root/artifacts nor $cache, where it keeps what it builds. Make one of them writable, or set XDG_CACHE_HOME to a folder of yours."
    fi
    # One start with sudo leaves folders of root's in one's own.
    local part
    for part in lock build.log build-tests.log packages.log bin obj run; do
        [[ ! -e $state/$part || -w $state/$part ]] ||
            refuse "$state/$part belongs to another user ($(stat -c %U "$state/$part")), probably since a start with sudo. This gives it back: sudo chown -R $(id -un) $state"
    done
}

lock() { # held until unlock or the end of the process
    exec 9> "$state/lock"
    flock -n 9 && return
    say "waiting for another start that is setting up"
    flock 9
}
unlock() { exec 9>&-; }

# --- the machine ------------------------------------------------------------------------------------------------------------------------

check_platform() {
    [[ $OSTYPE == linux* && $HOSTTYPE == x86_64 ]] ||
        refuse "Tandem runs on 64-bit x86 Linux; this is $OSTYPE on $HOSTTYPE. On Windows, WSL 2 with Debian or Ubuntu works; on a Mac, a Linux virtual machine or container for amd64."
}

find_dotnet() {
    dotnet=$(command -v dotnet) && return
    local folder
    for folder in "${DOTNET_ROOT:-}" "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
        if [[ $folder && -x $folder/dotnet ]]; then dotnet=$folder/dotnet; return; fi
    done
    refuse "The .NET SDK 10 was not found. Install it (Ubuntu: apt-get install dotnet-sdk-10.0; elsewhere: https://dot.net/download, or its dotnet-install.sh --channel 10.0), then start again."
}

check_sdk() { # only before a build: asking takes longer than the rest of a start
    local sdks
    sdks=$(DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 "$dotnet" --list-sdks 2>&1) ||
        refuse "$dotnet does not start: $sdks. If it speaks of ICU: apt-get install libicu72 (or the libicu of this release)."
    grep -q '^10\.' <<< "$sdks" ||
        refuse "The .NET SDK 10 is needed to build Tandem; $dotnet has: ${sdks:-no SDK, only a runtime}. Install it (Ubuntu: apt-get install dotnet-sdk-10.0; elsewhere: https://dot.net/download, or its dotnet-install.sh --channel 10.0), then start again."
}

blas_flavour=/usr/lib/x86_64-linux-gnu/openblas-openmp
blas_link() { echo "/etc/alternatives/lib$1.so.3-x86_64-linux-gnu"; }

warn_of_blas() {
    [[ ${LIBTORCH:-} || ! -e $blas_flavour/libblas.so.3 ]] && return
    [[ $(blas_link blas) -ef $blas_flavour/libblas.so.3 && $(blas_link lapack) -ef $blas_flavour/liblapack.so.3 ]] && return
    say "matrix products go through $(readlink "$(blas_link blas)"), which is slower here (1.4 to 36 times) than OpenBLAS with OpenMP. To change it: update-alternatives --set libblas.so.3-x86_64-linux-gnu $blas_flavour/libblas.so.3 && update-alternatives --set liblapack.so.3-x86_64-linux-gnu $blas_flavour/liblapack.so.3"
}

# Fills needed, wanted: packages that are not installed, by how much they are missed.
missing_packages() {
    local kind names rest name installed
    needed=() wanted=()
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2> /dev/null | sed -n 's/^installed //p' | tr '\n' ' ')"
    while read -r kind names rest; do
        case $kind in
            build | use) ;;
            torch) [[ ${LIBTORCH:-} ]] && continue ;;
            *) continue ;;
        esac
        local found='' choices=()
        IFS='|' read -ra choices <<< "$names"
        for name in "${choices[@]}"; do [[ $installed == *" $name "* ]] && found=1; done
        [[ $found ]] && continue
        if [[ $kind == use ]]; then wanted+=("$names"); else needed+=("$names"); fi
    done < "$tandem_root/native/packages.txt"
}

# Prints the first of several names that this release knows; where it knows none, the first of all, and fails.
available() {
    local name choices=()
    IFS='|' read -ra choices <<< "$1"
    for name in "${choices[@]}"; do
        if apt-cache show "$name" > /dev/null 2>&1; then echo "$name"; return; fi
    done
    echo "${choices[0]}"
    return 1
}

check_packages() {
    [[ ${TANDEM_SETUP:-} == skip ]] && return
    local stamp=$state/system-ready${LIBTORCH:+-own-libtorch} database=/var/lib/dpkg/status
    # Anything installed or removed since makes the stamp old.
    [[ $stamp -nt $database && $stamp -nt $tandem_root/native/packages.txt ]] && return
    if [[ ! -f $database ]] || ! command -v dpkg-query > /dev/null; then
        say "this is no Debian or Ubuntu, so packages are not looked after here. Needed: g++, ICU, and a libtorch named by LIBTORCH; wanted: libturbojpeg, libspng, libwebp, libsndfile, libsoxr"
        touch "$stamp"
        return
    fi
    lock
    missing_packages
    if (( ${#needed[@]} + ${#wanted[@]} )); then install_packages; fi
    touch "$stamp"
    unlock
}

install_packages() {
    local as_root=() log=$state/packages.log names=() extra=() entry name had_openblas
    if (( EUID != 0 )); then
        if sudo -n true 2> /dev/null; then
            as_root=(sudo -n)
        else
            for entry in "${needed[@]}" "${wanted[@]}"; do names+=("$(available "$entry" || true)"); done
            if (( ${#needed[@]} )); then
                refuse "Tandem needs packages that are not installed: ${needed[*]%%|*}. This installs them, and those wanted for reading files:
    sudo apt-get update && sudo apt-get install -y ${names[*]}
Then start again. (With a libtorch of your own, LIBTORCH=FOLDER makes Debian's unnecessary.)"
            fi
            say "not installed, and needed only for some kinds of files: ${wanted[*]%%|*} (sudo apt-get install ${names[*]})"
            return
        fi
    fi
    [[ -e $blas_flavour/libblas.so.3 ]] && had_openblas=1 || had_openblas=
    say "installing packages, once: ${needed[*]%%|*} ${wanted[*]%%|*}"
    "${as_root[@]}" apt-get update -q > "$log" 2>&1 9>&- || true
    for entry in "${needed[@]}"; do names+=("$(available "$entry" || true)"); done
    # apt-get installs nothing at all when it does not know one name.
    for entry in "${wanted[@]}"; do
        if name=$(available "$entry"); then extra+=("$name"); fi
    done
    apt_install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >> "$log" 2>&1 9>&-; }
    if (( ${#names[@]} + ${#extra[@]} )) && ! apt_install "${names[@]}" "${extra[@]}" && (( ${#names[@]} && ${#extra[@]} )); then
        apt_install "${names[@]}" || true # without what is only wanted
    fi
    missing_packages
    if (( ${#needed[@]} )); then
        tail -n 15 "$log" >&2
        refuse "Packages could not be installed: ${needed[*]%%|*}. The lines above are apt-get's (all of them: $log). When the machine is offline, install them by hand: apt-get install ${names[*]} ${extra[*]}"
    fi
    (( ${#wanted[@]} == 0 )) || say "some packages could not be installed: ${wanted[*]%%|*}. Files that need them will say so. ($log)"
    # Another flavour with a higher priority may be there already. We change the choice only in the moment that we bring ours.
    if [[ ! $had_openblas && -e $blas_flavour/libblas.so.3 ]]; then
        local part
        for part in blas lapack; do
            "${as_root[@]}" update-alternatives --set "lib$part.so.3-x86_64-linux-gnu" "$blas_flavour/lib$part.so.3" >> "$log" 2>&1 || true
        done
    fi
}

# --- the programs -----------------------------------------------------------------------------------------------------------------------

build_shim() { # prints its path, or nothing where there are no sources
    compgen -G "$tandem_root/native/*.cpp" > /dev/null || return 0
    "$tandem_root/native/build.sh" 2> >(sed 's/^native: /tandem: /' >&2)
}

dotnet_build() { # PROJECT LOG: Release, leaving no servers behind
    # The SDK leaves two empty folders among the temporary files each time. NuGet's locks stay where other builds look for them.
    local usual=${TMPDIR:-/tmp} scratch status=0
    scratch=$(mktemp -d "$usual/tandem-build-XXXXXX")
    TMPDIR=$scratch NUGET_SCRATCH=${NUGET_SCRATCH:-$usual/NuGetScratch$(id -un)} \
    DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_CLI_UI_LANGUAGE=en \
        "$dotnet" build "$tandem_root/$1" -c Release --artifacts-path "$state" --disable-build-servers -v quiet -clp:NoSummary > "$2" 2>&1 9>&- || status=$?
    rm -rf "$scratch"
    return $status
}

explain_build() { # PROJECT LOG
    grep -E 'error' "$2" | sort -u | head -n 15 >&2 || tail -n 15 "$2" >&2
    refuse "$1 could not be built. The lines above are the compiler's (all of them: $2). If they speak of packages that cannot be restored, the machine has to reach NuGet once; if they speak of files in src/, this copy of Tandem is not as it was published: git status says what was changed."
}

fingerprint() { # of everything that decides the command line's program
    local sum
    sum=$({
        echo "$1"
        cd "$tandem_root" && find src native recipes Directory.Build.props Directory.Packages.props global.json -type f -not -path '*/obj/*' -printf '%p %s %T@\n' 2> /dev/null | sort || true
    } | sha256sum)
    echo "${sum:0:16}"
}

# Sets program: a folder that holds this very state of the command line, and holds it for this process. Programs are copied out of the
# build's own folder and renamed into place, so that a long training is never disturbed by a later build, and an interrupted build is
# never started.
ready_program() {
    local shim
    shim=$(build_shim) || exit $?
    program=$state/run/$(fingerprint "$shim")
    hold_program && return
    check_sdk
    lock
    # Taken before the build: what is edited while it runs belongs to another state, and is built next time.
    program=$state/run/$(fingerprint "$shim")
    hold_program && { unlock; return; }
    say "building the command line"
    dotnet_build src/Tandem.Cli "$state/build.log" || explain_build Tandem "$state/build.log"
    mkdir -p "$state/run"
    rm -rf "$state/run/.new"
    cp -r "$state/bin/Tandem.Cli/release" "$state/run/.new"
    : > "$state/run/.new/.held"
    rm -rf "$program"
    mv "$state/run/.new" "$program"
    hold_program || refuse "$program vanished while it was being set up. Start again."
    sweep_programs
    unlock
}

# A shared lock that goes over into the program itself and ends with it.
hold_program() {
    [[ -f $program/.held ]] || return 1
    # Looked at again under the lock: sweeping renames first.
    exec 8< "$program/.held" && flock -s -n 8 && [[ -f $program/tandem-cli.dll ]]
}

sweep_programs() { # former states that nobody runs
    local folder
    for folder in "$state"/run/*/; do
        [[ ${folder%/} == "$program" ]] && continue
        ( flock -n 7 && mv "$folder" "$state/run/.old" && rm -rf "$state/run/.old" ) 7< "$folder/.held" 2> /dev/null || true
    done
}
