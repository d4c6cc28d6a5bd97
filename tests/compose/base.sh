#!/bin/sh
# base.sh FOLDER: a Debian of this machine's own release and mirror as FOLDER/base.tar, from which the
# test's images are built: it stands in for python:3.11-slim. It brings this machine's way through apt.
set -eu
folder=$1
[ ! -e "$folder/base.tar" ] || exit 0
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" |
    head -n 1)
mkdir -p "$folder"
apt-config dump | grep -E '^Acquire::(http|https)' >"$folder/way" || true
# No fsync: an image that is half made is made anew.
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-dev,python3-venv \
    --dpkgopt=force-unsafe-io --aptopt="$folder/way" \
    --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1"/etc/ssl/certs/' \
    "$VERSION_CODENAME" "$folder/half.tar" "$mirror"
mv "$folder/half.tar" "$folder/base.tar"
