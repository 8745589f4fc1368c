#!/bin/sh
# Prints the Secret with certificates for the metadata server, for `kubectl apply -f -`. Needs openssl 1.1.1 or later.
#
#   sh self-managed.sh [HOST [NAMESPACE [DAYS]]]
#
# HOST is the host of spec.address in the SnapshotMetadataService. The authority is made for this one certificate and
# its key is thrown away, so that nothing else is ever signed with it. To renew, run it again.
set -eu
host=${1:-csi-snapshot-metadata.csi-driver.svc}
namespace=${2:-csi-driver}
days=${3:-365}

# A name of its own: clients may know the authorities before and after a renewal at the same time.
authority="csi-snapshot-metadata $(date -u +%Y-%m-%dT%H:%M:%SZ)"

umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$days" -subj "/CN=$authority" \
  -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
  -keyout ca.key -out ca.crt 2>openssl.log || { cat openssl.log >&2; exit 1; }
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=csi-snapshot-metadata server" \
  -keyout tls.key -out tls.csr 2>openssl.log || { cat openssl.log >&2; exit 1; }
cat >extensions <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid
subjectAltName=DNS:$host
END
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days "$days" -extfile extensions \
  -out tls.crt 2>openssl.log || { cat openssl.log >&2; exit 1; }

cat <<END
apiVersion: v1
kind: Secret
metadata:
  name: csi-snapshot-metadata-certs
  namespace: $namespace
type: kubernetes.io/tls
data:
  ca.crt: $(openssl base64 -A -in ca.crt)
  tls.crt: $(openssl base64 -A -in tls.crt)
  tls.key: $(openssl base64 -A -in tls.key)
END
