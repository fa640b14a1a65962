# Sourced by scripts that take packages of any Debian release and install nothing: apt with lists and a cache of its own.

# The Debian archive that this machine's apt names, else Debian's own.
debian_mirror() {
    apt_named="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n 's|/debian/*$|/debian|p' | head -n 1)"
    echo "${apt_named:-http://deb.debian.org/debian}"
}

# debian_apt FOLDER ARGUMENTS...: apt-get on the lists of the releases that FOLDER/suites names, a line each. Its user is
# the caller, who can read the folder.
debian_apt() {
    apt_folder="$1"
    shift
    mkdir -p "$apt_folder/lists/partial" "$apt_folder/cache/archives/partial"
    while read -r apt_suite; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $apt_suite main"
    done <"$apt_folder/suites" >"$apt_folder/sources.list"
    apt-get -o Dir::Etc::sourcelist="$apt_folder/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$apt_folder/lists" -o Dir::Cache="$apt_folder/cache" -o APT::Sandbox::User="$(id -un)" \
        -o Debug::NoLocking=true -o Acquire::Check-Valid-Until=false "$@"
}
