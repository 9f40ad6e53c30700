#!/bin/bash
# test-cmd.sh CHECKOUT DIRECTORY [CASE…]: upstream's tests of kubectl (test/cmd of a checkout of kubernetes 1.36) against Keelson, built.
# Works on a copy of the checkout's scripts in DIRECTORY. Cases are named as in run_CASE_tests; none: all of them.
# kubectl is taken from PATH; the server is at port 16443, the controllers at 16257 (SECURE_API_PORT, SECURE_CTLRMGR_PORT).
set -o errexit -o nounset -o pipefail
checkout=$(realpath "$1") directory=$(mkdir -p "$2" && realpath "$2")
shift 2
repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
kubectl=$(realpath "$(command -v kubectl)")
node=$repository/node_modules/.bin/node
bundle=$repository/packages/cluster/dist/bundle

cd "$directory"
for part in hack test/cmd test/fixtures test/e2e/testing-manifests third_party/forked/shell2junit; do
  mkdir -p "$(dirname $part)"
  cp -r "$checkout/$part" "$(dirname $part)/"
done
# What they would take from the network is in the checkout.
sed -i 's#https://raw.githubusercontent.com/kubernetes/kubernetes/master/##' test/cmd/*.sh
mkdir -p _output/bin junit
ln -sf "$kubectl" _output/bin/kubectl

export KUBE_ROOT=$directory KUBE_JUNIT_REPORT_DIR=$directory/junit ALLOW_SKEW=1 WHAT="$*"
export SECURE_API_PORT=${SECURE_API_PORT:-16443} SECURE_CTLRMGR_PORT=${SECURE_CTLRMGR_PORT:-16257}
source hack/lib/init.sh
source hack/lib/test.sh
source test/cmd/legacy-script.sh
kube::etcd::start() { :; }
kube::etcd::cleanup() { :; }
make() { :; }
setup
unset -f make

data=$(mktemp -d)
key=$data/service-accounts.key
openssl genrsa -out "$key" 2048
# The flags of upstream's hack/make-rules/test-cmd.sh; tests look for the server's certificate in /tmp.
"$node" "$bundle/kube-apiserver.js" --data-dir="$data/store" --bind-address=127.0.0.1 --secure-port="$SECURE_API_PORT" \
  --authorization-mode=RBAC,AlwaysAllow --enable-admission-plugins=LimitRanger,ResourceQuota \
  --disable-admission-plugins=ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,StorageObjectInUseProtection \
  --service-account-key-file="$key" --service-account-signing-key-file="$key" --service-account-issuer=https://kubernetes.default.svc \
  --service-cluster-ip-range=10.0.0.0/24 --cert-dir=/tmp --client-ca-file=hack/testdata/ca/ca.crt \
  --token-auth-file=hack/testdata/auth-tokens.csv > server.log 2>&1 &
export APISERVER_PID=$!
kube::util::wait_for_url_with_bearer_token "https://127.0.0.1:$SECURE_API_PORT/healthz" admin-token apiserver

cat > "$data/kubeconfig" << X
{kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}], users: [{name: c, user: {token: admin-token}}],
 clusters: [{name: c, cluster: {server: "https://127.0.0.1:$SECURE_API_PORT", insecure-skip-tls-verify: true}}]}
X
"$node" "$bundle/kube-controller-manager.js" --secure-port="$SECURE_CTLRMGR_PORT" --kubeconfig="$data/kubeconfig" \
  --cluster-signing-cert-file=hack/testdata/ca/ca.crt --cluster-signing-key-file=hack/testdata/ca/ca.key > controllers.log 2>&1 &
export CTLRMGR_PID=$!
kube::util::wait_for_url "https://127.0.0.1:$SECURE_CTLRMGR_PORT/healthz" controllers

# The annotation has the object have managers.
kubectl create -f - << X
{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "127.0.0.1", "annotations": {"save-managers": "true"}}, "status": {"capacity": {"memory": "1Gi"}}}
X
export SUPPORTED_RESOURCES=("*")
runTests
echo "all passed"
