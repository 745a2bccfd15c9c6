# The extension somewhere else than in the server's own folders: the library by dynamic_library_path,
# from version 18 on the control file too, by extension_control_path.  The bundled models are found
# where either was found.
if [ -z "${LEM_RELOCATED:-}" ]; then
	export LEM_RELOCATED=running
	exec scripts/server bash "$0"
fi
. t/server/common
version=$(sql -c "SHOW server_version_num")
names=$(for file in data/*.safetensors; do basename "$file" .safetensors; done | sort)
extension=$(find "$LEM_SERVER_DIR/pg" -name lem.control -printf '%h\n')
library=$(find "$LEM_SERVER_DIR/pg" -name lem.so -printf '%h\n')
elsewhere=$LEM_SERVER_DIR/elsewhere
mkdir -p "$elsewhere/lib" "$elsewhere/share/extension"
is "it is installed where the server looks" "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'lem'") $(ls "$library/lem.so" | wc -l)" "1 1"

# use: the extension, its functions and its models, in a database of their own
use()
{
	createdb "$1"
	PGDATABASE=$1 sql -c "SET client_min_messages = warning" -c "CREATE EXTENSION lem" -c "SELECT lem_version() IS NOT NULL" \
		-c "SELECT name FROM lem_install_bundled() ORDER BY name" 2>&1
}

# The library alone, the models beside it or not
mv "$library/lem.so" "$elsewhere/lib"
is "without the library nothing is created" "$(sql -c '\set VERBOSITY sqlstate' -c "CREATE EXTENSION lem" 2>&1)" "ERROR:  58P01"
export PGOPTIONS="-c dynamic_library_path=$elsewhere/lib:\$libdir"
is "the library elsewhere" "$(use library)" $'t\n'"$names"
mv "$extension"/*.safetensors "$elsewhere/lib"
is "the models beside it" "$(use models)" $'t\n'"$names"
if [ "$version" -ge 180000 ]; then
	mv "$elsewhere"/lib/*.safetensors "$extension"/lem.control "$extension"/lem--*.sql "$elsewhere/share/extension"
	PGOPTIONS+=" -c extension_control_path=\$system:/nowhere:$elsewhere/share"
	is "all of it elsewhere" "$(use all)" $'t\n'"$names"
	is "the library says its name and version" "$(sql -d all -c "SELECT lem_version() = version FROM pg_get_loaded_modules() WHERE module_name = 'lem'")" t
	mkdir "$elsewhere/empty"
	is "not on the path: they are missed where the server's own are" \
		"$(PGOPTIONS=${PGOPTIONS/elsewhere\/share/elsewhere/empty} sql -d all -c '\set VERBOSITY terse' -c "SELECT lem_install_bundled()" 2>&1)" "ERROR:  cannot read the bundled model \"$(head -1 <<<"$names")\""
fi
exit $failed
