#!/usr/bin/env bash
# Runs the specs, and sets the outputs of the action.
#
# Exits with 0 even if specs fail, so that the reports are uploaded. The exit code is an output.
set -euo pipefail
# shellcheck source=action/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Splits a text into words, with quotes and backslashes as in a shell, without expansion.
words=()
read_words() {
    local input=$1 text=$2 word
    words=()
    [ -n "${text//[[:space:]]/}" ] || return 0
    printf '%s' "$text" | xargs printf '%s\0' >"$work/words" 2>/dev/null ||
        fail "\`$input\` cannot be split into words: $text"$'\n'"help: check for an unclosed quote"
    while IFS= read -r -d '' word; do
        words+=("$word")
    done <"$work/words"
}

switch() {
    case "$2" in
    true | false) [ "$2" = true ] ;;
    *) fail "invalid \`$1\`: \`$2\`"$'\n'"help: use true or false" ;;
    esac
}

# A path relative to the workspace, where later steps start.
from_workspace() {
    case "$1" in
    "" | /* | [A-Za-z]:*) printf '%s' "$1" ;;
    *) printf '%s/%s' "${INPUT_WORKING_DIRECTORY%/}" "$1" | sed 's,^\./,,' ;;
    esac
}

# A number in `counts` of the JSON report. Relies on the layout that spanspec writes.
counted() {
    local number=
    [ ! -f "$json" ] || number=$(sed -n "/^  \"counts\": {/,/^  }/s/^ *\"$1\": \([0-9]*\).*/\1/p" "$json")
    printf '%s' "${number:-0}"
}

saved_traces() {
    [ ! -f "$json" ] || sed -n 's/^ *"saved_trace": "\(.*\)",*$/\1/p' "$json" | sed 's/\\\(.\)/\1/g'
}

# The existing report files, one per line.
reports() {
    [ -f "$json" ] || return 0
    {
        printf '%s\n%s\n' "$INPUT_JUNIT" "$INPUT_HTML"
        saved_traces
    } | while IFS= read -r file; do
        case "$file" in
        "" | /* | [A-Za-z]:*) ;;
        *) file="$PWD/$file" ;;
        esac
        [ ! -f "$file" ] || printf '%s\n' "$(native "$file")"
    done
}

# Number of the run within the job. Artifact names must be unique.
number_of_run() {
    printf 'x' >>"$RUNNER_TEMP/spanspec-runs"
    wc -c <"$RUNNER_TEMP/spanspec-runs" | tr -d ' '
}

# The path of a report, if this run wrote one. Without a JSON report, the file is of an earlier run.
written() {
    [ ! -f "$json" ] || [ ! -f "$1" ] || from_workspace "$1"
}

# Reports an error that prevented the run, in an annotation and the summary.
report_error() {
    local why
    case "$1" in
    2) why="invalid arguments; see the log" ;;
    *) why="spanspec exited with $1 without a report; see the log" ;;
    esac
    printf '::error title=spanspec::%s\n' "$why"
    if switch summary "$INPUT_SUMMARY"; then
        printf '## ❌ spanspec: nothing was run\n\n%s\n' "$why" >>"$GITHUB_STEP_SUMMARY"
    fi
}

# Forwards the signal of a cancelled job, so that services stop and reports are written.
run() {
    "$@" &
    local child=$! code=0
    trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM
    while :; do
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    trap - INT TERM
    return "$code"
}

[ -d "$INPUT_WORKING_DIRECTORY" ] ||
    fail "\`working-directory\` does not exist: \`$INPUT_WORKING_DIRECTORY\`"
number=$(number_of_run)
work="$RUNNER_TEMP/spanspec-$number"
mkdir -p "$work"
json="$work/report.json"
page="$work/summary.md"
cd "$INPUT_WORKING_DIRECTORY"

call=("$FOLDER/$(program_name)" run --report "json=$(native "$json")")
[ -z "$INPUT_CONFIG" ] || call+=(--config "$INPUT_CONFIG")
[ -z "$INPUT_JUNIT" ] || call+=(--report "junit=$INPUT_JUNIT")
[ -z "$INPUT_HTML" ] || call+=(--report "html=$INPUT_HTML")
[ -z "$INPUT_BASELINE" ] || call+=(--baseline "$INPUT_BASELINE")
if switch summary "$INPUT_SUMMARY"; then
    call+=(--report "md=$(native "$page")")
fi
switch annotations "$INPUT_ANNOTATIONS" || call+=(--no-annotations)
read_words args "$INPUT_ARGS"
call+=(${words[@]+"${words[@]}"})
read_words specs "$INPUT_SPECS"
[ ${#words[@]} -eq 0 ] || call+=(-- "${words[@]}")

code=0
run "${call[@]}" || code=$?

if [ -f "$page" ]; then
    cat "$page" >>"$GITHUB_STEP_SUMMARY"
fi
[ -f "$json" ] || report_error "$code"
output exit-code "$code"
output passed "$(counted passed)"
output failed "$(counted failed)"
output errored "$(counted errored)"
output skipped "$(($(counted skipped) + $(counted not_run)))"
output junit-path "$(written "$INPUT_JUNIT")"
output html-path "$(written "$INPUT_HTML")"
output artifact "spanspec-${GITHUB_JOB:-job}-${JOB_INDEX:-0}-$number"
output reports "$(reports)"
