import { describe, expect, test } from 'vitest';
import { configurationOf, readDocuments } from '../../configuration/documents.ts';
import { document, machine } from '../../testing.ts';
import { refuseCluster } from './preflight.ts';

const clusterOf = (fields: string) =>
  configurationOf(readDocuments(document('ClusterConfiguration', fields)), machine).cluster;

const shared = 'controlPlaneEndpoint: k8s.example.org:6443\n';

describe('a cluster whose control plane cannot be of several machines', () => {
  test.each([
    ['without an address in front', '', "doesn't have a stable controlPlaneEndpoint address"],
    [
      'on the embedded store',
      `${shared}apiServer: {extraArgs: [{name: storage, value: lmdb}]}`,
      '--storage=lmdb), which cannot have a second member',
    ],
    [
      "with one member's flags for all",
      `${shared}etcd: {local: {extraArgs: [{name: initial-cluster, value: "m1=https://10.0.0.1:2380"}]}}`,
      'gives etcd --initial-cluster',
    ],
  ])('%s', (_, fields, message) => {
    expect(() => refuseCluster(clusterOf(fields))).toThrow(message);
  });

  test('is none with its members on etcd', () => {
    expect(() => refuseCluster(clusterOf(shared))).not.toThrow();
    expect(() =>
      refuseCluster(clusterOf(`${shared}etcd: {local: {extraArgs: [{name: quota-backend-bytes, value: "1"}]}}`)),
    ).not.toThrow();
  });
});
