/** How another machine joins, as it is shown (kubeadm/app/cmd/util/join.go). */

export interface JoinCommand {
  /** `10.0.0.10:6443` */
  readonly endpoint: string;
  readonly token: string;
  /** `sha256:…` of each authority that the cluster may be known by. */
  readonly caHashes: readonly string[];
  /** For a machine of the control plane; undefined: for any other. */
  readonly controlPlane?: { readonly certificateKey: string | undefined; readonly systemd: boolean } | undefined;
}

export function joinCommand({ endpoint, token, caHashes, controlPlane }: JoinCommand): string {
  const { certificateKey, systemd = false } = controlPlane ?? {};
  return [
    `keelson join ${endpoint} --token ${token}`,
    ...caHashes.map((hash) => `--discovery-token-ca-cert-hash ${hash}`),
    ...(controlPlane ? ['--control-plane'] : []),
    ...(certificateKey ? [`--certificate-key ${certificateKey}`] : []),
    ...(systemd ? ['--systemd'] : []),
  ].join(' ');
}
