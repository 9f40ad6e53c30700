/** How the parts of a control plane are, asked at the ports where their probes ask. */
import { Agent, get } from 'node:https';
import { joinHostPort } from '@keelson/component/go/net';
import { trusting } from '@keelson/component/trust';
import { readAuthority } from './certificates.ts';
import { extraArgument } from './command-lines.ts';
import { localUrl } from './configuration/endpoints.ts';
import type { ComponentOptions } from './configuration/types.ts';
import type { InstallContext } from './phase.ts';

const TIMEOUT_MS = 5_000;

/** @returns a sentence for each part that is not well; none: all are */
export async function controlPlaneHealth({ files, configuration }: InstallContext): Promise<string[]> {
  const { init, cluster } = configuration;
  const { certificate } = await readAuthority(files, cluster, 'ca');
  const probes = [
    ['kube-apiserver', `${localUrl(init.localApiEndpoint)}/livez`, certificate],
    ['kube-controller-manager', `${loopbackUrl(cluster.controllerManager, '10257')}/healthz`, undefined],
    ['kube-scheduler', `${loopbackUrl(cluster.scheduler, '10259')}/livez`, undefined],
  ] as const;
  const answers = await Promise.all(probes.map(([name, url, ca]) => ask(name, url, ca)));
  return answers.filter((answer) => answer !== undefined);
}

function loopbackUrl({ extraArgs }: ComponentOptions, port: string): string {
  const given = extraArgument(extraArgs, 'bind-address') ?? '127.0.0.1';
  const host = given === '0.0.0.0' ? '127.0.0.1' : given === '::' ? '::1' : given;
  return `https://${joinHostPort(host, extraArgument(extraArgs, 'secure-port') ?? port)}`;
}

/** @param ca whom to trust; undefined: whoever answers, for servers of this machine with a certificate of their own making */
function ask(name: string, url: string, ca: string | undefined): Promise<string | undefined> {
  const agent = new Agent(ca === undefined ? { rejectUnauthorized: false } : trusting(ca));
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `${name} answers ${response.statusCode} at ${url}`);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => resolve(`${name} at ${url}: ${error.message || (error as { code?: string }).code}`));
  });
}
