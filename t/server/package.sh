# What is given away: META.json, versions that agree, and the Debian package's contents.
. t/server/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# META.json by PGXN's specification, and a checker that sees faults
faults()
{
	sql -f t/meta.sql -c "SELECT pg_temp.faults('${1//\'/\'\'}')" || echo "the checker failed"
}
meta=$(cat META.json)
is "META.json is valid" "$(faults "$meta")" ""
is "a checker that sees faults" "$(faults '{"name": "a b", "version": "1.0", "license": "mine", "maintainer": [""], "provides": {"x y": {"file": "f", "version": "01.0.0", "what": 1}}, "tags": ["a/b"], "release_status": "good",
	"prereqs": {"runtime": {"requires": {"PostgreSQL": "fourteen"}}}, "resources": {"homepage": "nowhere"}, "abstracts": "x", "meta-spec": {"version": "1.0.0"}}' | sort)" \
'abstract: missing or not text
license: unknown "mine"
maintainer: missing or not text
name: not a term
prereqs runtime requires PostgreSQL
provides x y: unknown key what
provides x y: version
provides: x y is not a term
release_status: good
resources: homepage
tags: "a/b"
top: unknown key abstracts
version: not a semantic version'

# Versions
value() { sql -c "SELECT '${meta//\'/\'\'}'::jsonb #>> '$1'"; }
sql -c "CREATE EXTENSION lem"
version=$(value '{version}')
is "the library has META.json's version" "$(sql -c "SELECT lem_version()")" "$version"
is "what META.json provides has it" "$(value '{provides,lem,version}')" "$version"
is "the control file has its first two numbers" "$(sed -n "s/^default_version = '\(.*\)'$/\1/p" lem.control)" "${version%.*}"
ok "META.json's files are there" test -f "$(value '{provides,lem,docfile}')" -a -f "$(value '{provides,lem,file}')"
is "its PostgreSQL is the oldest that the headers take" "$(value '{prereqs,runtime,requires,PostgreSQL}')" "$(sed -nE 's/^#if PG_VERSION_NUM < ([0-9]{2})0000 \|\| .*/\1.0.0/p' src/pg/base/compat.h)"
ok "the change log has the version" grep -q "^## ${version%.*}\b" CHANGELOG.md
is "the licence is the one named" "$(value '{license}') $(grep -c 'use, copy, modify, and distribute this software and its$' LICENSE)" "postgresql 1"

# The Debian package
if ! command -v dpkg-deb >/dev/null || ! command -v dpkg-shlibdeps >/dev/null; then
	echo "# no dpkg-deb or dpkg-shlibdeps here: the Debian package is not tested"
	exit $failed
fi
package=$(scripts/deb "$folder" 2>"$folder/log")
ok "a Debian package is made" test -f "$package"
grep -v 'dpkg-deb: building' "$folder/log" | sed 's/^/# /' | head -5
is "a second one is the same" "$(md5sum <"$(mkdir "$folder/again" && scripts/deb "$folder/again" 2>/dev/null)")" "$(md5sum <"$package")"
major=$(sql -c "SELECT current_setting('server_version_num')::int / 10000")
field() { dpkg-deb -f "$package" "$1"; }
is "its name, version and architecture" "$(field Package) $(field Version) $(field Architecture)" "postgresql-$major-lem $version-1 $(dpkg --print-architecture)"
ok "it depends on the server" grep -qE "(^|, )postgresql-$major(,|$)" <<<"$(field Depends)"
ok "on the C library" grep -qE '(^|, )libc6 \(>= [0-9.]+\)' <<<"$(field Depends)"
ok "and on OpenBLAS" grep -qE '(^|, )libopenblas' <<<"$(field Depends)"
dpkg-deb -x "$package" "$folder/tree"
make -s install DESTDIR="$folder/installed" >/dev/null
is "it has all that is installed, and documentation" "$(cd "$folder/tree" && find . -type f ! -path './usr/share/doc/*' | sort)" "$(cd "$folder/installed" && find . -type f | sort)"
is "its documentation is complete" "$(cd "$folder/tree/usr/share/doc/postgresql-$major-lem" && ls; ls "$folder/tree/usr/share/doc/postgresql-$major-lem/doc" | wc -l)" "README.md
changelog.gz
copyright
doc
$(ls doc/*.md | wc -l)"
is "root owns it all, and only root may write" "$(dpkg-deb -c "$package" | grep -cvE '^(drwxr-xr-x|-rw-r--r--) root/root ')" 0
is "it has the sums of its files" "$(dpkg-deb -I "$package" md5sums | (cd "$folder/tree" && md5sum -c --quiet 2>&1))" ""
exit $failed
