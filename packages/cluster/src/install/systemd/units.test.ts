import { describe, expect, test } from 'vitest';
import { Layout, unitFile } from '../layout.ts';
import { runPhases } from '../phase.ts';
import { controlPlanePhase } from '../phases/control-plane.ts';
import { etcdPhase } from '../phases/etcd.ts';
import { kubeletStartPhase } from '../phases/kubelet-start.ts';
import { document, testInstallation } from '../testing.ts';
import type { Services } from './services.ts';

const names = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'] as const;

async function units(configuration = '', layout = new Layout()) {
  const started: string[] = [];
  const services: Services = {
    start: async (unit) => void started.push(unit),
    restart: async () => {},
    stop: async () => {},
  };
  const installation = testInstallation(configuration, { systemd: true, services, layout, etcdVersion: '3.6.8' });
  await installation.files.write('/etc/kubernetes/pki/ca.key', 'key');
  const run = () => runPhases([etcdPhase, controlPlanePhase, kubeletStartPhase], installation.context);
  await run();
  const text = (name: (typeof names)[number]) => installation.files.written.get(unitFile(name))!;
  return { ...installation, started, run, text };
}

describe('units of systemd', () => {
  test.each(names)('%s by default', async (name) => {
    await expect((await units()).text(name)).toMatchFileSnapshot(`testdata/${name}.service`);
  });

  test('are started when they were written, and not again', async () => {
    const { started, run } = await units();
    expect(started).toEqual(names.map((name) => `${name}.service`));
    started.length = 0;
    await run();
    expect(started).toEqual([]);
  });

  const apiServer = (fields: string) => document('ClusterConfiguration', `apiServer: ${fields}`);
  test.each([
    ['--x=100%%', apiServer('{extraArgs: [{name: x, value: "100%"}]}')],
    ['--x=$$HOME', apiServer('{extraArgs: [{name: x, value: $HOME}]}')],
    ['"--x=a b\\"c"', apiServer("{extraArgs: [{name: x, value: 'a b\"c'}]}")],
    ['Environment="A=b c"', apiServer('{extraEnvs: [{name: A, value: b c}]}')],
    [
      'ReadWritePaths=-/var/log/audit',
      apiServer('{extraVolumes: [{name: a, hostPath: /var/log/audit, mountPath: /log}]}'),
    ],
    ['CapabilityBoundingSet=CAP_NET_BIND_SERVICE', document('InitConfiguration', 'localAPIEndpoint: {bindPort: 443}')],
    ['CapabilityBoundingSet=\n', ''],
    ['PrivateTmp=yes', ''],
    ['PrivateTmp=no', apiServer('{extraArgs: [{name: x, value: /tmp/x}]}')],
  ])('the API server has %j', async (expected, configuration) => {
    expect((await units(configuration)).text('kube-apiserver')).toContain(expected);
  });

  test('below a folder name what is there', async () => {
    const { text, files } = await units('', new Layout({ root: '/srv/x', runHere: true }));
    expect(text('kube-apiserver')).toContain('--tls-cert-file=/srv/x/etc/kubernetes/pki/apiserver.crt');
    expect(text('kube-scheduler')).toContain('--kubeconfig=/srv/x/etc/kubernetes/scheduler.conf');
    expect(text('etcd')).toContain('ReadWritePaths=-/srv/x/var/lib/etcd');
    expect(text('kubelet')).toContain('--root-dir=/srv/x/var/lib/kubelet');
    expect(files.written.get('/var/lib/kubelet/config.yaml')).toContain(
      'staticPodPath: /srv/x/etc/kubernetes/manifests',
    );
  });

  test.each([
    [false, unitFile('etcd'), /etcd.service is there: systemd runs it/],
    [true, '/etc/kubernetes/manifests/etcd.yaml', /etcd.yaml is there: the kubelet runs it/],
  ])('beside manifests are refused (%s)', async (systemd, path, message) => {
    const { context, files } = testInstallation('', { systemd });
    await files.write(path, '');
    await expect(runPhases([etcdPhase], context)).rejects.toThrow(message);
  });
});

describe('what the kubelet reads', () => {
  test.each([
    ['', 'KUBELET_KUBEADM_ARGS=""\n'],
    ['nodeRegistration: {name: other}', 'KUBELET_KUBEADM_ARGS="--hostname-override=other"\n'],
    [
      'nodeRegistration: {kubeletExtraArgs: [{name: node-ip, value: 192.0.2.7}, {name: v, value: "4"}]}',
      'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --v=4"\n',
    ],
  ])('with %j are the flags %j', async (fields, expected) => {
    const { files } = await units(document('InitConfiguration', fields));
    expect(files.written.get('/var/lib/kubelet/kubeadm-flags.env')).toBe(expected);
  });

  test('is what the configuration says, and where containers are run', async () => {
    const { files } = await units(
      `${document('InitConfiguration', 'nodeRegistration: {criSocket: "unix:///run/crio/crio.sock"}')}apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 9\nstaticPodPath: /elsewhere\n`,
    );
    const text = files.written.get('/var/lib/kubelet/config.yaml')!;
    for (const line of [
      'maxPods: 9',
      'staticPodPath: /elsewhere',
      'containerRuntimeEndpoint: unix:///run/crio/crio.sock',
    ])
      expect(text).toContain(line);
  });

  test('has no unit of ours where the machine has a package for it', async () => {
    const { context, files } = testInstallation();
    await files.write('/usr/lib/systemd/system/kubelet.service', '[Service]');
    await runPhases([kubeletStartPhase], context);
    expect(files.written.has(unitFile('kubelet'))).toBe(false);
  });
});
