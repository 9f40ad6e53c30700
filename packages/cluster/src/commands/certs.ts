import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { newCertificateKey } from '../install/certificate-key.ts';
import { installContext } from '../install/context.ts';
import { KUBERNETES_DIR } from '../install/layout.ts';
import { type Expiration, type Expirations, expirations, renew, renewableNames } from '../install/renewal.ts';
import { generateRequests } from '../install/requests.ts';
import { type Command, outcomeOf } from './command.ts';
import {
  certDirDescriptions,
  certDirFlags,
  certDirSettings,
  layoutOf,
  placeDescriptions,
  placeFlags,
} from './installation.ts';
import type { Io } from './io.ts';
import { residual, table } from './table.ts';

const flags = {
  ...placeFlags,
  ...certDirFlags,
  'kubeconfig-dir': { type: 'string', section: 'General', default: KUBERNETES_DIR },
  output: { type: 'string', shorthand: 'o', section: 'General', default: 'text' },
} as const satisfies FlagTable;

const descriptions = {
  ...placeDescriptions,
  ...certDirDescriptions,
  'kubeconfig-dir': 'Where generate-csr writes kubeconfigs.',
  output: 'text, or json.',
};

const head = `Tells when the certificates of an installation end, and renews them with what they say now.

Usage:
  keelson certs certificate-key          show one that could be init's --certificate-key, and tell nobody
  keelson certs check-expiration [flags]
  keelson certs generate-csr [flags]     make keys, and what an authority elsewhere is to sign for them
  keelson certs renew all [flags]
  keelson certs renew NAME… [flags]      ${renewableNames.slice(0, 4).join(', ')}
                                         ${renewableNames.slice(4, 8).join(', ')}
                                         ${renewableNames.slice(8).join(', ')}

What runs reads most of them anew by itself; restart what the last line of a renewal names.
`;

export const command: Command = {
  flags,
  descriptions,
  words: [
    { name: 'certificate-key', summary: "Show one that could be init's --certificate-key, and tell nobody." },
    { name: 'check-expiration', summary: 'Show when certificates end.' },
    { name: 'generate-csr', summary: 'Make keys, and what an authority elsewhere is to sign for them.' },
    {
      name: 'renew',
      summary: 'Renew certificates.',
      words: ['all', ...renewableNames].map((name) => ({ name, summary: '' })),
    },
  ],
  run: certs,
};

/** `keelson certs`. @returns the exit code */
export function certs(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson certs', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    const [verb, ...names] = args;
    if (values.help || verb === undefined) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    if (verb === 'certificate-key' && names.length === 0) return io.stdout(`${newCertificateKey()}\n`);
    const context = await contextOf(values, io);
    if (verb === 'check-expiration' && names.length === 0)
      return io.stdout(show(await expirations(context), context.clock.now(), values.output));
    if (verb === 'generate-csr' && names.length === 0) return generateRequests(context, values['kubeconfig-dir']);
    if (verb !== 'renew')
      throw new FlagError(
        `"keelson certs" knows certificate-key, check-expiration, generate-csr and renew, not "${args.join(' ')}"`,
      );
    if (names.length === 0) throw new FlagError("say which: 'all', or names");
    const unknown = names.find((name) => name !== 'all' && !renewableNames.includes(name));
    if (unknown !== undefined) throw new FlagError(`there is no certificate "${unknown}"`);
    await renew(context, names.includes('all') ? renewableNames : names);
    context.report(
      '[renew] restart etcd, kube-apiserver, kube-controller-manager and kube-scheduler to have them use these',
    );
  });
}

async function contextOf(values: FlagValues<typeof flags>, io: Io) {
  return installContext({
    layout: layoutOf(values),
    configFile: values.config === '' ? undefined : resolve(values.config),
    settings: certDirSettings(values),
    world: systemWorld(),
    report: (line) => io.stdout(`${line}\n`),
  });
}

function show({ certificates, authorities }: Expirations, now: number, output: string): string {
  if (output === 'json') {
    const rows = (list: readonly Expiration[]) =>
      list.map(({ name, ends, authority, isExternal }) => ({
        name,
        expirationDate: ends?.toISOString(),
        residualTime: ends && `${residual(ends.getTime() - now)}`,
        caName: authority,
        externallyManaged: isExternal,
        missing: ends === undefined,
      }));
    return `${JSON.stringify({ certificates: rows(certificates), certificateAuthorities: rows(authorities) }, null, 2)}\n`;
  }
  if (output !== 'text') throw new FlagError(`--output ${output} is unknown: choose text or json`);
  const cells = ({ name, ends, isExternal }: Expiration) =>
    ends === undefined
      ? [name, 'missing', '', '']
      : [
          name,
          `${ends.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
          residual(ends.getTime() - now),
          isExternal ? 'yes' : 'no',
        ];
  const own = certificates.map((row) => [...cells(row).slice(0, 3), row.authority ?? '', cells(row)[3]!]);
  return [
    table([['CERTIFICATE', 'EXPIRES', 'RESIDUAL TIME', 'AUTHORITY', 'EXTERNALLY MANAGED'], ...own]),
    table([['CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'EXTERNALLY MANAGED'], ...authorities.map(cells)]),
  ].join('\n');
}
