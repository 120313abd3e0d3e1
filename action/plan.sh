#!/usr/bin/env bash
# Resolves the version of spanspec and its install folder.
#
# Reads INPUT_VERSION and ACTION_REF. Sets the outputs `version` (a release, or `source`), `target`,
# `folder`, and `key`, the cache key of the folder.
set -euo pipefail
# shellcheck source=action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target() {
    case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
    Linux-X64) printf 'x86_64-unknown-linux-musl' ;;
    Linux-ARM64) printf 'aarch64-unknown-linux-musl' ;;
    macOS-X64) printf 'x86_64-apple-darwin' ;;
    macOS-ARM64) printf 'aarch64-apple-darwin' ;;
    Windows-X64) printf 'x86_64-pc-windows-msvc' ;;
    *) printf 'unknown' ;;
    esac
}

# The version in this checkout: at a tag, the release of that tag.
version_of_action() {
    sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1
}

# The newest release. GitHub redirects `latest` to the page of its tag.
latest() {
    local page
    page=$(curl --silent --show-error --output /dev/null --write-out '%{redirect_url}' "$(releases)/latest") ||
        fail "failed to read the newest release from $(releases)/latest"$'\n'"help: set \`version\` to a release"
    case "$page" in
    */tag/v*) printf '%s' "${page##*/tag/v}" ;;
    *) fail "no release found at $(releases)"$'\n'"help: set \`version: source\` to build spanspec with cargo" ;;
    esac
}

version() {
    case "$INPUT_VERSION" in
    "")
        case "${ACTION_REF:-}" in
        v[0-9]*) version_of_action ;;
        *) printf 'source' ;;
        esac
        ;;
    source) printf 'source' ;;
    latest) latest ;;
    v[0-9]* | [0-9]*) printf '%s' "${INPUT_VERSION#v}" ;;
    *) fail "invalid \`version\`: \`$INPUT_VERSION\`"$'\n'"help: use a release such as 0.1.0, latest, or source" ;;
    esac
}

# Hash of the sources and the compiler version.
fingerprint() {
    (
        cd "$GITHUB_ACTION_PATH"
        rustc --version
        find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | while IFS= read -r file; do
            printf '%s\n' "$file"
            cat "$file"
        done
    ) | sha256
}

version=$(version) || { printf '%s\n' "$version"; exit 2; }
target=$(target)
if [ "$version" = source ]; then
    command -v cargo >/dev/null ||
        fail "building spanspec needs Rust"$'\n'"help: install a toolchain in an earlier step, or set \`version\` to a release"
    key="spanspec-source-$target-$(fingerprint)"
else
    case "$version" in
    *[!0-9A-Za-z.+-]*) fail "invalid version: \`$version\`" ;;
    esac
    [ "$target" != unknown ] ||
        fail "no release for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}"$'\n'"help: set \`version: source\` to build spanspec with cargo"
    key="spanspec-$version-$target"
fi
output version "$version"
output target "$target"
output key "$key"
output folder "$(native "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/spanspec/$key")"
printf 'spanspec %s for %s\n' "$version" "$target"
