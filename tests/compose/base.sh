#!/bin/sh
# base.sh FOLDER: a Debian of this machine's own release and mirror below FOLDER, from which the test's
# images are built: it stands in for python:3.11-slim. It brings this machine's way through apt.
set -eu
folder=$1
[ ! -e "$folder/ready" ] || exit 0
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" |
    head -n 1)
rm -rf "$folder"
mkdir -p "$folder"
debootstrap --variant=minbase --include=ca-certificates,python3,python3-dev,python3-venv \
    "$VERSION_CODENAME" "$folder/root" "$mirror"
apt-config dump | grep -E '^Acquire::(http|https)' >"$folder/root/etc/apt/apt.conf.d/80machine" || true
cp /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/"
rm -rf "$folder"/root/var/cache/apt/archives/*.deb "$folder"/root/var/lib/apt/lists/*
touch "$folder/ready"
