#!/usr/bin/env bash
# Installs spanspec into FOLDER unless the cache contains it, and adds FOLDER to the PATH of later steps.
#
# VERSION is a release, whose archive for TARGET is downloaded and checked against its SHA-256, or
# `source`, which is built with cargo.
set -euo pipefail
# shellcheck source=action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

program="$FOLDER/$(program_name)"

fetch() {
    curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
}

download() {
    local suffix=tar.gz work archive url expected found
    [ "${RUNNER_OS:-}" != Windows ] || suffix=zip
    archive="spanspec-$TARGET.$suffix"
    url="$(releases)/download/v$VERSION/$archive"
    work=$(mktemp -d "$RUNNER_TEMP/spanspec-download-XXXXXX")
    fetch "$url" "$work/$archive" ||
        fail "failed to download $url"$'\n'"help: check that release $VERSION exists"
    fetch "$url.sha256" "$work/$archive.sha256" ||
        fail "failed to download the checksum $url.sha256, so the archive is not used"
    expected=$(cut -d ' ' -f 1 "$work/$archive.sha256")
    found=$(sha256 <"$work/$archive")
    [ "$expected" = "$found" ] ||
        fail "wrong checksum of $url: found SHA-256 $found, expected $expected"
    unpack "$work/$archive" "$work"
    mkdir -p "$FOLDER"
    mv "$work/spanspec-$TARGET/$(program_name)" "$program"
    rm -rf "$work"
}

unpack() {
    case "$1" in
    *.zip) unzip -q "$1" -d "$2" ;;
    *) tar -xzf "$1" -C "$2" ;;
    esac
}

# Tests set the profile and the folder to reuse an existing build.
build() {
    local profile=${SPANSPEC_ACTION_PROFILE:-release}
    local built=${SPANSPEC_ACTION_TARGET_DIR:-$RUNNER_TEMP/spanspec-build}
    local kind=$profile
    [ "$profile" != dev ] || kind=debug
    cargo build --locked --profile "$profile" --bin spanspec \
        --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" --target-dir "$built" ||
        fail "failed to build spanspec"$'\n'"help: see the log of this step"
    mkdir -p "$FOLDER"
    cp "$built/$kind/$(program_name)" "$program"
}

if "$program" --version 2>/dev/null; then
    printf 'already installed\n'
elif [ "$VERSION" = source ]; then
    build
    "$program" --version
else
    download
    "$program" --version || fail "spanspec $VERSION for $TARGET does not run on this machine"
fi
printf '%s\n' "$FOLDER" >>"$GITHUB_PATH"
