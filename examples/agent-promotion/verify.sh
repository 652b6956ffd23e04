#!/bin/sh
# Verifies the signature of a proof with openssl alone: verify.sh PROOF PUBLIC_KEY (PEM, Ed25519).
#
# An envelope (DSSE) is signed over `DSSEv1`, the type and the payload, each with its length in bytes. A proof that shares its
# signature holds the envelope that is signed as `inclusion.envelope`; give that one.
set -eu
proof=$1 key=$2
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
member() { tr -d ' \n' < "$proof" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
member payload | openssl base64 -d -A > "$work/payload"
member sig | openssl base64 -d -A > "$work/signature"
type=$(member payloadType)
[ "$type" = application/vnd.in-toto+json ]
{
  printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c < "$work/payload")"
  cat "$work/payload"
} > "$work/message"
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/message" -sigfile "$work/signature" > "$work/said" 2>&1 || {
  echo "the signature does not belong to this proof" >&2
  exit 1
}
cat "$work/payload"
echo
