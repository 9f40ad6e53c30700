/** When the certificates of an installation end, and how they are renewed (kubeadm/app/phases/certs/renewal). */
import { readConfidentialYaml } from '@keelson/api/codec/yaml';
import { type AuthorityFile, authorities, certificates } from '../pki/catalogue.ts';
import { issue, type KeyPair } from '../pki/certificate.ts';
import { type CertificateFacts, inspect, profileOf } from '../pki/inspect.ts';
import { StartupError } from '../startup-error.ts';
import { authorityPhase, certificateFile, issueOptions, keyFile, readAuthority, writePair } from './certificates.ts';
import { clientCertificateOf } from './kubeconfigs.ts';
import { sortedYaml } from './kubelet-files.ts';
import { KUBECONFIG_FILES, type KubeconfigName } from './layout.ts';
import type { InstallContext } from './phase.ts';

/** A certificate that can be renewed, in a file of its own or within a kubeconfig. */
interface Renewable {
  /** `apiserver`, `admin.conf` */
  readonly name: string;
  readonly authority: AuthorityFile;
  /** @returns undefined where it is not there. @throws StartupError for what is no certificate */
  read(context: InstallContext): Promise<string | undefined>;
  write(context: InstallContext, pair: KeyPair): Promise<void>;
}

/** The kubelet renews its own. */
const kubeconfigs: readonly KubeconfigName[] = ['admin', 'super-admin', 'controller-manager', 'scheduler'];

const renewables: readonly Renewable[] = [
  ...certificates.map(
    ({ name, file, authority }): Renewable => ({
      name,
      authority,
      read: ({ files, configuration }) => files.read(certificateFile(configuration.cluster, file)),
      write: (context, pair) => writePair(context, file, pair),
    }),
  ),
  ...kubeconfigs.map((name): Renewable => {
    const path = KUBECONFIG_FILES[name];
    return {
      name: `${name}.conf`,
      authority: 'ca',
      async read({ files }) {
        const text = await files.read(path);
        return text === undefined ? undefined : clientCertificateOf(text, path)?.certificate;
      },
      async write({ files }, pair) {
        await files.write(path, withCertificate((await files.read(path))!, pair));
      },
    };
  }),
].sort((a, b) => (a.name < b.name ? -1 : 1));

export const renewableNames = renewables.map(({ name }) => name);

/** The kubeconfig with another certificate for its current user; all else stays. */
function withCertificate(text: string, { certificate, key }: KeyPair): string {
  const config = readConfidentialYaml(text) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config['current-context']);
  const users = config.users.map((user) =>
    user.name !== context?.context.user
      ? user
      : {
          ...user,
          user: {
            ...user.user,
            'client-certificate-data': Buffer.from(certificate).toString('base64'),
            'client-key-data': Buffer.from(key).toString('base64'),
          },
        },
  );
  return sortedYaml({ ...config, users });
}

interface Kubeconfig {
  readonly contexts: readonly { readonly name: string; readonly context: { readonly user: string } }[];
  readonly users: readonly { readonly name: string; readonly user: object }[];
  readonly 'current-context': string;
}

export interface Expiration {
  readonly name: string;
  /** Undefined where the certificate is not there. */
  readonly ends: Date | undefined;
  /** Absent for an authority. */
  readonly authority?: string;
  /** Whether what would renew it is not on this machine. */
  readonly isExternal: boolean;
}

export interface Expirations {
  readonly certificates: readonly Expiration[];
  readonly authorities: readonly Expiration[];
}

/** When everything ends. @throws StartupError for a file that is no certificate */
export async function expirations(context: InstallContext): Promise<Expirations> {
  const { files, configuration } = context;
  const { cluster } = configuration;
  const used = (Object.keys(authorities) as AuthorityFile[]).filter((file) => cluster.etcd.local || file !== 'etcd/ca');
  const keyed = new Map<AuthorityFile, boolean>();
  for (const file of used) keyed.set(file, await files.exists(keyFile(cluster, file)));
  const certificateRows: Expiration[] = [];
  for (const renewable of renewables) {
    if (!keyed.has(renewable.authority)) continue;
    const pem = await renewable.read(context);
    certificateRows.push({
      name: renewable.name,
      ends: pem === undefined ? undefined : factsOf(renewable.name, pem).notAfter,
      authority: authorityPhase(renewable.authority),
      isExternal: !keyed.get(renewable.authority),
    });
  }
  const authorityRows: Expiration[] = [];
  for (const file of used) {
    const pem = await files.read(certificateFile(cluster, file));
    const ends = pem === undefined ? undefined : factsOf(file, pem).notAfter;
    authorityRows.push({ name: authorityPhase(file), ends, isExternal: !keyed.get(file) });
  }
  return { certificates: certificateRows, authorities: authorityRows };
}

function factsOf(name: string, pem: string): CertificateFacts {
  try {
    return inspect(pem);
  } catch (error) {
    throw new StartupError(
      `${name} is no certificate: ${(error as Error).message}`,
      'restore it, or have it made anew',
    );
  }
}

/**
 * Renews certificates with what they say now, each with a new key.
 * @param names of {@link renewableNames}; one that is not there is passed over where all are renewed, or where `passOver` says so
 * @throws StartupError where one is not there, or its authority cannot sign; those before it are renewed
 */
export async function renew(
  context: InstallContext,
  names: readonly string[],
  { passOver = names.length === renewables.length } = {},
): Promise<void> {
  const { cluster } = context.configuration;
  for (const { name, authority, read, write } of renewables.filter(({ name }) => names.includes(name))) {
    const pem = await read(context);
    if (pem === undefined) {
      if (!passOver) throw new StartupError(`${name} is not there`, `have it made by 'keelson init phase'`);
      continue;
    }
    const signer = await readAuthority(context.files, cluster, authority);
    if (signer.key === undefined)
      throw new StartupError(
        `${name} is signed by ${authorityPhase(authority)}, whose key is kept elsewhere`,
        'have it signed there',
      );
    factsOf(name, pem);
    const made = await issue(profileOf(pem), signer, new Date(context.clock.now()), issueOptions(cluster));
    await write(context, made);
    context.report(`[renew] ${name} is valid until ${inspect(made.certificate).notAfter.toISOString()}`);
  }
}
