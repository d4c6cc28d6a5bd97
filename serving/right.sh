#!/bin/bash
# right.sh PORT FOLDER: whether the server on PORT of this machine answers the request in FOLDER as
# the framework itself does: each number within 1e-4 of the expected one. For health checks inside
# the servers' own images, which have neither Python nor curl in common: bash and awk are enough.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
cat "$2/request" >&3
while IFS= read -r -t 3 line <&3 && line=${line%$'\r'} && [ -n "$line" ]; do
    case ${line,,} in content-length:*) length=${line##*[: ]} ;; esac
done
# TorchServe keeps the connection open, whatever it is asked.
timeout 3 head -c "$length" <&3 | awk -v tolerance=1e-4 '
    NR == FNR { expected[++wanted] = $1; next }
    {
        gsub(/[^-+.0-9eE]+/, " ")
        for (i = 1; i <= NF; i++) if ($i ~ /^-?[0-9]/) {
            off = $i - expected[++got]
            wrong += !(off <= tolerance && -off <= tolerance)
        }
    }
    END { exit wrong > 0 || got == 0 || got != wanted }
' "$2/expected" -
