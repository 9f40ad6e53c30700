import { createHash } from 'node:crypto';
import type { TypedObject } from '@keelson/api/object';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
const poll = { timeout: 10_000 };
const rootCa = [
  '-----BEGIN CERTIFICATE-----',
  'MIIBdTCCARugAwIBAgIUUvfXS2Ep7e4d8aEv2BOuCxloxg4wCgYIKoZIzj0EAwIw',
  'DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIwNzE4MzBaGA8yMTI2MTAyOTA3MTgz',
  'MFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJqs',
  'NlbNIJRkKvoQw6lneMOtT7y6gccDzpOvlbQ+pzQ2uEaYRAyM+R+oXi+FccY5vHOW',
  'LirQu+IWmMu+b5QGgLijUzBRMB0GA1UdDgQWBBQvXr400J+tQLDyjtcc44nMrd4c',
  '4jAfBgNVHSMEGDAWgBQvXr400J+tQLDyjtcc44nMrd4c4jAPBgNVHRMBAf8EBTAD',
  'AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCOdeUreEXhrKyl+KyE3EeSlePH++ySbxa/',
  '2xWKXcyFjwIgOVXkcj3kVsrZ1wPN1vRGzO20uMcT62MDxah2hMpBgUE=',
  '-----END CERTIFICATE-----',
  '',
].join('\n');
let cluster: ControlledCluster;
beforeAll(async () => {
  const controllers = [
    'storage-version-migrator-controller',
    'storageversion-garbage-collector-controller',
    'kube-apiserver-serving-clustertrustbundle-publisher-controller',
    'podcertificaterequest-cleaner-controller',
  ];
  const groups = [
    'storagemigration.k8s.io/v1beta1',
    'internal.apiserver.k8s.io/v1alpha1',
    'certificates.k8s.io/v1beta1',
  ];
  const gates = ['StorageVersionMigrator', 'StorageVersionAPI', 'ClusterTrustBundle', 'PodCertificateRequest'];
  const args = [
    `--feature-gates=${gates.map((gate) => `${gate}=true`).join()}`,
    `--runtime-config=${groups.map((group) => `${group}=true`).join()}`,
  ];
  cluster = await startControlled(controllers, [], { args, settings: { rootCa } });
}, 60_000);
afterAll(() => cluster?.stop());

const definitions = () => cluster.client.resource('customresourcedefinitions.apiextensions.k8s.io');
const version = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
});
const foos = (name: string) =>
  cluster.client.resource<TypedObject>({ group: 'example.com', version: name, resource: 'foos', namespaced: true });

it('objects are written again in the version that is stored now, and only those', async () => {
  await definitions().create({
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      scope: 'Namespaced',
      versions: [version('v1', true), version('v2', false)],
    },
  });
  const foo = (name: string, apiVersion: string) => ({ apiVersion, kind: 'Foo', metadata: { namespace, name } });
  await vi.waitFor(() => foos('v1').create(foo('old', 'example.com/v1')), poll);
  await definitions().patch({ name: 'foos.example.com' }, 'merge', {
    spec: { versions: [version('v1', false), version('v2', true)] },
  });
  const stored = async () => (await definitions().get({ name: 'foos.example.com' })).status?.storedVersions;
  await expect.poll(stored, poll).toEqual(['v1', 'v2']);
  await foos('v1').create(foo('new', 'example.com/v1'));
  const revisions = async () => {
    const { items } = await foos('v1').list({ namespace });
    return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  };
  const before = await revisions();

  const migrations = cluster.client.resource('storageversionmigrations.storagemigration.k8s.io');
  const resource = { group: 'example.com', resource: 'foos' };
  await migrations.create({ metadata: { name: 'foos' }, spec: { resource } });
  const stages = async () => {
    const { status } = await migrations.get({ name: 'foos' });
    return (status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  };
  await expect
    .poll(stages, poll)
    .toEqual(['Running=False MigrationCompleted', 'Succeeded=True StorageVersionMigrationSucceeded']);
  const after = await revisions();
  expect(after.new).toBe(before.new);
  expect(after.old).not.toBe(before.old);
  expect(await stored()).toEqual(['v2']);
  const { status } = await definitions().get({ name: 'foos.example.com' });
  expect(status?.conditions?.find(({ type }) => type === 'StorageMigrating')).toMatchObject({
    status: 'False',
    reason: 'MigrationSucceeded',
    message: 'The migration has succeeded and the stored versions have been updated',
  });
});

it('servers that are gone are forgotten', async () => {
  const leases = cluster.client.resource('leases.coordination.k8s.io');
  const labels = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
  await leases.create({ metadata: { namespace: 'kube-system', name: 'here', labels } });
  const versions = cluster.client.resource('storageversions.internal.apiserver.k8s.io');
  const created = await versions.create({ metadata: { name: 'apps.deployments' }, spec: {} });
  const server = (apiServerID: string, encodingVersion: string) => ({
    apiServerID,
    encodingVersion,
    decodableVersions: [encodingVersion],
  });
  const storageVersions = [server('here', 'apps/v1'), server('gone', 'apps/v1beta1')];
  await versions.updateStatus({ ...created, status: { storageVersions } });
  const status = async () => (await versions.get({ name: 'apps.deployments' })).status;
  await expect.poll(async () => (await status()).storageVersions, poll).toEqual([server('here', 'apps/v1')]);
  expect(await status()).toMatchObject({
    commonEncodingVersion: 'apps/v1',
    conditions: [{ type: 'AllEncodingVersionsEqual', status: 'True', reason: 'CommonEncodingVersionSet' }],
  });
  await leases.delete({ namespace: 'kube-system', name: 'here' });
  await expect.poll(async () => (await versions.list()).items, poll).toEqual([]);
});

it("the API server's authority is published as a bundle of its signer, and nothing else is", async () => {
  const bundles = cluster.client.resource('clustertrustbundles.certificates.k8s.io');
  const names = async () => (await bundles.list()).items.map(({ metadata }) => metadata.name);
  const hash = createHash('sha256').update(rootCa).digest('hex').slice(0, 24);
  await expect.poll(names, poll).toEqual([`kubernetes.io:kube-apiserver-serving:${hash}`]);
  expect(cluster.complaints).toEqual([]);
});
