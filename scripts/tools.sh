#!/bin/sh
# Fetches the programs that the tests drive (kubectl, etcd, Prometheus, Debian's Python client, containerd, nft) into .tools/root.
# Packages come from the Debian mirror that this machine is set up with; nothing is installed, root is not needed, and
# the machine's own apt lists are not touched. Where a program cannot be had, the reason is left in
# .tools/missing/<program>, the tests that need it are skipped with it, and the next run tries again.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/.tools
programs="kubectl etcd prometheus python3-kubernetes containerd nft"
wanted="3: $programs"

if [ "$(cat "$tools/done" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -rf "$tools/missing" "$tools"/apt-*
mkdir -p "$tools/missing" "$tools/root"

missing() { # PROGRAM REASON
  echo "$2" >"$tools/missing/$1"
  echo "tools: no $1: $2" >&2
}

none() { # REASON
  for program in $programs; do missing "$program" "$1"; done
  exit 0
}

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then none "this machine has no apt"; fi

# Where the machine's own Debian release comes from.
own=$(apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  grep -E '^main [^ -]+ [^ ]*/debian/$' | head -n 1)
[ -n "$own" ] || none "/etc/apt names no Debian mirror"
own=${own#main }
own_suite=${own%% *}
mirror=${own#* }

use() { # SUITE: from here on apt-get knows this one suite alone
  apt=$tools/apt-$1
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<EOF
Dir::State::lists "$apt/lists";
Dir::Cache::archives "$apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "$(id -un)";
Debug::NoLocking "1";
EOF
  export APT_CONFIG="$apt/apt.conf"
  apt-get -q update >"$apt/log" 2>&1 || { tail -n 3 "$apt/log" >&2 && return 1; }
}

unpack() { # DIRECTORY of packages
  for package in "$1"/*.deb; do dpkg -x "$package" "$tools/root"; done
}

runs() { # PROGRAM: whether it was fetched and works on this machine
  case $1 in
    kubectl) "$tools/root/usr/bin/kubectl" version --client ;;
    python3-kubernetes) "$root/scripts/python.sh" -c 'import kubernetes' ;;
    containerd)
      "$tools/root/usr/bin/containerd" --version && "$tools/root/usr/sbin/runc" --version &&
        [ -x "$tools/root/usr/lib/cni/bridge" ] && [ -x "$tools/root/usr/bin/busybox" -o -x "$tools/root/bin/busybox" ]
      ;;
    *) "$tools/root/usr/bin/$1" --version ;;
  esac >/dev/null 2>&1
}

fetch() { # PROGRAM PACKAGE...: the first of the packages that the suite has, without what it depends on
  program=$1
  shift
  if runs "$program"; then return; fi
  mkdir -p "$apt/$program"
  : >"$apt/nothing-installed"
  for package; do
    if (cd "$apt/$program" && apt-get -q -o Dir::State::status="$apt/nothing-installed" download "$package") >>"$apt/log" 2>&1
    then
      unpack "$apt/$program"
      return
    fi
  done
}

# These are Go programs that need no more than an old libc: newer suites' run on older releases.
for suite in testing stable; do
  if runs kubectl && runs etcd && runs prometheus; then break; fi
  if use "$suite"; then
    fetch kubectl kubectl kubernetes-client
    fetch etcd etcd-server
    fetch prometheus prometheus
  fi
done

# The Python client comes from the machine's own release, with all that the machine lacks for it.
if ! runs python3-kubernetes && use "$own_suite"; then
  if apt-get -q -y --no-install-recommends --download-only install python3-kubernetes >>"$apt/log" 2>&1; then
    unpack "$apt/archives"
  fi
fi

# So do containerd and what it needs for containers of its own: runc, a network, and a program to run in them.
if ! runs containerd && use "$own_suite"; then
  mkdir -p "$apt/containerd"
  if (cd "$apt/containerd" && apt-get -q download containerd runc containernetworking-plugins busybox-static) >>"$apt/log" 2>&1
  then
    unpack "$apt/containerd"
  fi
fi

# And nft, which writes the kernel's tables, with the libraries that the machine lacks for it.
if ! runs nft && PATH=$PATH:/usr/sbin:/sbin command -v nft >/dev/null; then
  mkdir -p "$tools/root/usr/bin"
  ln -sf "$(PATH=$PATH:/usr/sbin:/sbin command -v nft)" "$tools/root/usr/bin/nft"
elif ! runs nft && use "$own_suite"; then
  if apt-get -q -y --no-install-recommends --download-only install nftables >>"$apt/log" 2>&1; then
    unpack "$apt/archives"
    # By where it is, so that the folder can be moved.
    cat >"$tools/root/usr/bin/nft" <<'EOF'
#!/bin/sh
usr=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH=$(dirname "$(find "$usr/lib" -name libnftables.so.1 | head -n 1)") exec "$usr/sbin/nft" "$@"
EOF
    chmod +x "$tools/root/usr/bin/nft"
  fi
fi

for program in $programs; do
  runs "$program" || missing "$program" "Debian's mirror has none that runs here, or could not be reached"
done
rm -rf "$tools"/apt-*
if [ -z "$(ls "$tools/missing")" ]; then echo "$wanted" >"$tools/done"; fi
