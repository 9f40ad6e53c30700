import type { FlowSchema, PolicyRulesWithSubjects, Subject } from '@keelson/api/generated/types/flowcontrol/v1';
import { describe, expect, it } from 'vitest';
import { bootstrapFlowSchemas } from '../bootstrap/flowcontrol.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { Classifier, compareSchemas, matchesSchema } from './classify.ts';

const user = (name: string, ...groups: string[]): UserInfo => ({ name, uid: '', groups, extra: {} });
const schemaOf = (rules: PolicyRulesWithSubjects[], name = 's', matchingPrecedence = 500): FlowSchema => ({
  metadata: { name },
  spec: { matchingPrecedence, priorityLevelConfiguration: { name: 'l' }, rules },
  status: {},
});
const ALL = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };

describe('who a schema is for', () => {
  const bob: Subject = { kind: 'User', user: { name: 'bob' } };
  const anyone: Subject = { kind: 'User', user: { name: '*' } };
  const devs: Subject = { kind: 'Group', group: { name: 'devs' } };
  const account: Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name: 'x' } };
  const accounts: Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name: '*' } };
  it.each<[Subject, UserInfo, boolean]>([
    [bob, user('bob'), true],
    [bob, user('eve', 'bob'), false],
    [anyone, user('eve'), true],
    [devs, user('eve', 'ops', 'devs'), true],
    [devs, user('devs'), false],
    [{ kind: 'Group', group: { name: '*' } }, user('eve'), true],
    [account, user('system:serviceaccount:a:x'), true],
    [account, user('system:serviceaccount:a:xy'), false],
    [account, user('system:serviceaccount:b:x'), false],
    [accounts, user('system:serviceaccount:a:y'), true],
    [accounts, user('system:serviceaccount:ab:y'), false],
    [accounts, user('a:y'), false],
  ])('%j %j %s', (subject, who, expected) => {
    const schema = schemaOf([{ subjects: [subject], resourceRules: [ALL] }]);
    expect(matchesSchema(schema, who, parseRequestInfo('GET', '/api/v1/nodes/n'))).toBe(expected);
  });
});

describe('what a schema is for', () => {
  const anyone: Subject[] = [{ kind: 'Group', group: { name: '*' } }];
  const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'], namespaces: ['a'] };
  it.each<[Partial<PolicyRulesWithSubjects>, string, boolean]>([
    [{ resourceRules: [pods] }, '/api/v1/namespaces/a/pods', true],
    [{ resourceRules: [pods] }, '/api/v1/namespaces/a/pods/p/log', true],
    [{ resourceRules: [pods] }, '/api/v1/namespaces/a/pods/p/status', false],
    [{ resourceRules: [pods] }, '/api/v1/namespaces/b/pods', false],
    [{ resourceRules: [pods] }, '/api/v1/pods', false],
    [{ resourceRules: [{ ...pods, clusterScope: true }] }, '/api/v1/pods', true],
    [{ resourceRules: [pods] }, '/apis/metrics.k8s.io/v1/namespaces/a/pods', false],
    [{ resourceRules: [pods] }, '/api/v1/namespaces/a/pods?watch=1', false],
    [{ resourceRules: [ALL] }, '/version', false],
    [{ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }, '/healthz', true],
    [{ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }, '/healthz/etcd', true],
    [{ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }, '/healthzz', false],
    [{ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/openapi/*'] }] }, '/openapi/v2', true],
    [{ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }, '/', true],
    [{ nonResourceRules: [{ verbs: ['post'], nonResourceURLs: ['*'] }] }, '/', false],
  ])('%j %s %s', (rules, url, expected) => {
    const schema = schemaOf([{ subjects: anyone, ...rules }]);
    expect(matchesSchema(schema, user('x'), parseRequestInfo('GET', url))).toBe(expected);
  });
});

describe('the schemas that exist from the start', () => {
  const classes = bootstrapFlowSchemas.map((schema) => ({ schema }));
  const classifier = new Classifier(classes, classes.find(({ schema }) => schema.metadata.name === 'catch-all')!);
  const kubelet = user('system:node:n', 'system:nodes', 'system:authenticated');
  const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n';
  const leader = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';
  it.each<[string, UserInfo, string, string]>([
    ['exempt', user('root', 'system:masters', 'system:authenticated'), 'POST', '/api/v1/namespaces/a/pods'],
    ['probes', user('system:anonymous', 'system:unauthenticated'), 'GET', '/livez'],
    ['system-node-high', kubelet, 'PUT', lease],
    ['system-node-high', kubelet, 'PATCH', '/api/v1/nodes/n/status'],
    ['system-nodes', kubelet, 'GET', '/api/v1/namespaces/a/pods/p'],
    ['system-leader-election', user('system:kube-scheduler', 'system:authenticated'), 'PUT', leader],
    ['kube-scheduler', user('system:kube-scheduler', 'system:authenticated'), 'GET', '/api/v1/pods'],
    [
      'kube-system-service-accounts',
      user('system:serviceaccount:kube-system:gc', 'system:serviceaccounts'),
      'GET',
      '/api/v1/pods',
    ],
    ['service-accounts', user('system:serviceaccount:a:x', 'system:serviceaccounts'), 'GET', '/api/v1/pods'],
    ['global-default', user('eve', 'system:authenticated'), 'GET', '/api/v1/pods'],
    ['catch-all', user('nobody'), 'GET', '/api/v1/pods'],
  ])('%s', (expected, who, method, url) => {
    for (let i = 0; i < 2; i++) {
      expect(classifier.classify(who, parseRequestInfo(method, url)).schema.metadata.name).toBe(expected);
    }
  });
});

it('what is remembered is what would be found', () => {
  const subjects: Subject[] = [{ kind: 'Group', group: { name: 'g' } }];
  const rule = (more: object): PolicyRulesWithSubjects => ({ subjects, resourceRules: [{ ...ALL, ...more }] });
  const schemas = [
    schemaOf([rule({ namespaces: ['a'], clusterScope: false })], 'in-a', 1),
    schemaOf([rule({ resources: ['pods/status'] })], 'status', 2),
    schemaOf([rule({ verbs: ['list'] })], 'lists', 3),
    schemaOf([rule({ clusterScope: false })], 'namespaced', 4),
    schemaOf([], 'rest', 5),
  ];
  const classes = schemas.map((schema) => ({ schema }));
  const classifier = new Classifier([...classes].reverse(), classes.at(-1)!);
  const urls = ['a', 'b', ''].flatMap((ns) => {
    const prefix = `/api/v1${ns === '' ? '' : `/namespaces/${ns}`}`;
    return ['pods', 'pods/p', 'pods/p/status', 'secrets'].map((tail) => `${prefix}/${tail}`);
  });
  const users = [user('u', 'g'), user('u'), user('v', 'g', 'h'), user('u', 'g')];
  for (let round = 0; round < 2; round++) {
    for (const who of users) {
      for (const url of urls) {
        const info = parseRequestInfo('GET', url);
        const found = schemas.find((schema) => matchesSchema(schema, who, info)) ?? schemas.at(-1)!;
        expect(classifier.classify(who, info).schema.metadata.name).toBe(found.metadata.name);
      }
    }
  }
});

it('the smaller precedence comes first, then the name', () => {
  const names = [schemaOf([], 'b', 2), schemaOf([], 'a', 2), schemaOf([], 'c', 1)].sort(compareSchemas);
  expect(names.map(({ metadata }) => metadata.name)).toEqual(['c', 'a', 'b']);
});
