import { type AuthorityFile, authorities, certificates } from '../../pki/catalogue.ts';
import { authorityPhase, ensureAuthority, ensureCertificate, ensureServiceAccountKeys } from '../certificates.ts';
import type { InstallContext, Phase } from '../phase.ts';

const usesLocalEtcd = ({ configuration }: InstallContext) => configuration.cluster.etcd.local !== undefined;

function authority(file: AuthorityFile): Phase {
  const isEtcd = file === 'etcd/ca';
  return {
    name: authorityPhase(file),
    summary: `Make ${authorities[file].summary}`,
    description: `Makes ${authorities[file].summary}, in ${file}.crt and ${file}.key. An existing one is kept; where only its certificate is there, its key is taken to be kept elsewhere, and all that it would sign has to be there.`,
    async run(context) {
      if (isEtcd && !usesLocalEtcd(context)) return context.report(`[certs] etcd is external: no ${file}`);
      await ensureAuthority(context, file);
    },
  };
}

/** The authorities, each followed by what it signs, and the keys of service accounts. */
export const certsPhase: Phase = {
  name: 'certs',
  summary: 'Make the certificates and keys of the control plane',
  description:
    'Makes what is missing below certificatesDir (/etc/kubernetes/pki), and keeps what is there and does. Put an authority of your own there first to have it used.',
  phases: [
    ...(Object.keys(authorities) as AuthorityFile[]).flatMap((file) => [
      authority(file),
      ...certificates
        .filter((definition) => definition.authority === file)
        .map(
          (definition): Phase => ({
            name: definition.name,
            summary: `Make the ${definition.summary}`,
            description: `Makes the ${definition.summary}, in ${definition.file}.crt and ${definition.file}.key, signed by ${file}. Existing files are kept.`,
            async run(context) {
              if (file === 'etcd/ca' && !usesLocalEtcd(context))
                return context.report(`[certs] etcd is external: no ${definition.file}`);
              await ensureCertificate(context, definition);
            },
          }),
        ),
    ]),
    {
      name: 'sa',
      summary: 'Make the key that signs tokens of service accounts, and its public key',
      run: ensureServiceAccountKeys,
    },
  ],
};
