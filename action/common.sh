# shellcheck shell=bash
# What the steps of the action share. It works in the bash 3.2 of macOS, too.

# Where releases are; a test puts a server of its own here.
releases() {
    printf '%s' "${SPANSPEC_RELEASES:-https://github.com/spanspec/spanspec/releases}"
}

# Ends the step with an annotation that says why.
fail() {
    local text=${1//'%'/%25}
    text=${text//$'\r'/%0D}
    printf '::error title=spanspec::%s\n' "${text//$'\n'/%0A}"
    exit 2
}

# Gives a later step a value, which may have several lines.
output() {
    local end="end-$RANDOM-$RANDOM-$RANDOM"
    printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

# The SHA-256 of what comes in.
sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum | cut -d ' ' -f 1
    else
        shasum -a 256 | cut -d ' ' -f 1
    fi
}

# A path as programs that know nothing of this shell write it.
native() {
    if command -v cygpath >/dev/null; then
        cygpath -m "$1"
    else
        printf '%s' "$1"
    fi
}

program_name() {
    if [ "${RUNNER_OS:-}" = Windows ]; then
        printf 'spanspec.exe'
    else
        printf 'spanspec'
    fi
}
