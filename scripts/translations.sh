#!/usr/bin/env bash
# Brings the catalogues in locale/ up to the sentences of the source. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"

usage() {
    cat <<END
Usage: translations.sh

Brings the Korean and Japanese catalogues (locale/*/LC_MESSAGES/django.po) up
to the sentences that the source marks for translation, and compiles them
(django.mo, which is committed too). A new sentence is there with an empty
translation; one that the source has no more is gone. It prepares .venv as
scripts/test.sh does, and needs no gettext tools.

After a change of a sentence: run it, fill in what it has left empty, run it
again. Without a change it changes nothing; tests/test_translations.py tells
when it has been forgotten.

Environment:
  PYTHON            the interpreter for .venv ($PYTHON_OLDEST or newer)

Exit status: 0 the catalogues are complete; 1 it failed, or translations are
missing; 2 the command was wrong.
END
}

TEMPLATE=$STATE/django.pot

pybabel() {
    "$VENV/bin/pybabel" --quiet "$@"
}

# No line numbers, no dates: what nobody has changed stays as it is.
extract_sentences() {
    PYTHONPATH=$PROJECT_ROOT pybabel extract --mapping-file pyproject.toml --add-location file --sort-by-file \
        --output-file "$TEMPLATE" accounts drf_oms orders routers
}

# Without guesses: a sentence that has changed is to be translated again.
update_catalogues() {
    pybabel update --domain django --input-file "$TEMPLATE" --output-dir locale --no-wrap \
        --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
}

compile_catalogues() {
    pybabel compile --domain django --directory locale
}

# An entry whose translation is empty is followed by an empty line, or by the file's end.
untranslated() {
    awk -v RS= '/\nmsgstr(\[0\])? ""$/ { print FILENAME ": " $0 }' locale/*/LC_MESSAGES/django.po
}

main() {
    local missing
    case ${1:-} in
        '') ;;
        -h | --help) usage && exit 0 ;;
        *) usage_error "no argument is known, such as '$1'" ;;
    esac
    cd -- "$PROJECT_ROOT"
    require_command flock util-linux
    ensure_python_environment requirements-dev.txt

    extract_sentences
    update_catalogues
    compile_catalogues
    missing=$(untranslated)
    if [[ -n $missing ]]; then
        printf '%s\n' "$missing" >&2
        die "the translations above are missing."
    fi
}

main "$@"
