/** An installation in memory, for tests. */
import type { Clock } from '@keelson/api/clock';
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { ClusterApi } from './api.ts';
import { configurationOf, readDocuments } from './configuration/documents.ts';
import { DiskFiles, DryRunFiles } from './files.ts';
import { Layout } from './layout.ts';
import type { InstallContext } from './phase.ts';

export const machine = { hostname: 'vm', address: '192.0.2.2', newToken: () => 'abcdef.0123456789abcdef' };

export interface TestInstallation {
  readonly context: InstallContext;
  readonly files: DryRunFiles;
  /** What was reported so far. */
  readonly lines: string[];
  /** What the API server was asked to hold: `RESOURCE NAMESPACE/NAME` to object. */
  readonly objects: Map<string, object>;
}

/** @param configuration documents, in YAML */
export function testInstallation(
  configuration = '',
  overrides: Partial<InstallContext> & { readonly now?: Date } = {},
): TestInstallation {
  const { now = new Date('2026-03-01T12:00:00Z'), ...rest } = overrides;
  const files = new DryRunFiles(new DiskFiles(new Layout({ root: '/nonexistent' })));
  const lines: string[] = [];
  const objects = new Map<string, object>();
  const api: ClusterApi = {
    get: async (resource, { namespace, name }) =>
      objects.get(`${resource} ${namespace === undefined ? '' : `${namespace}/`}${name}`) as never,
    list: async (resource, { namespace }) =>
      [...objects].flatMap(([key, object]) => (key.startsWith(`${resource} ${namespace}/`) ? [object as never] : [])),
    put: async (resource, object) => {
      const { namespace, name } = (object as { metadata: { namespace?: string; name: string } }).metadata;
      objects.set(`${resource} ${namespace === undefined ? '' : `${namespace}/`}${name}`, object);
    },
    replace: (resource, object) => api.put(resource, object),
    changeNode: async (name, change) =>
      void objects.set(`nodes ${name}`, change({ metadata: { labels: {} }, spec: {} } as Node)),
  };
  const context: InstallContext = {
    configuration: configurationOf(readDocuments(configuration), machine),
    layout: new Layout(),
    files,
    clock: { now: () => now.getTime() } as Clock,
    dryRun: false,
    systemd: false,
    trustFolders: ['/etc/ssl/certs', '/usr/share/ca-certificates'],
    etcdVersion: '',
    hostname: machine.hostname,
    program: (name) => `/usr/bin/${name}`,
    patches: [],
    services: undefined,
    skipTokenPrint: false,
    upload: undefined,
    api: async () => api,
    report: (line) => void lines.push(line),
    ...rest,
  };
  return { context, files, lines, objects };
}

/** The head of a document of kubeadm's, for the fields behind it. */
export const document = (kind: string, fields: string) =>
  `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ${kind}\n${fields}\n---\n`;
