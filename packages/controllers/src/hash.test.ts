import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { templateHash } from './hash.ts';
import { hashOfData } from './history/revisions.ts';

/** What kube-controller-manager 1.36 made of these templates, without collisions and after three. */
const TEMPLATES: readonly [name: string, template: unknown, hash: string, afterThree: string][] = [
  [
    'one container, with the defaults',
    {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'nginx:1.27',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            imagePullPolicy: 'IfNotPresent',
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: {},
        schedulerName: 'default-scheduler',
      },
    },
    '8448b6f544',
    '7767989f79',
  ],
  [
    'maps, quantities, ports and probes',
    {
      metadata: { labels: { b: '2', a: '1' }, annotations: { note: 'a && b, é' } },
      spec: {
        volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1536Mi' } }],
        containers: [
          {
            name: 'a',
            image: 'i',
            command: ['sh', '-c'],
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            resources: { limits: { cpu: '1', memory: '100Ti' }, requests: { cpu: '250m', memory: '1Gi' } },
            livenessProbe: { httpGet: { path: '/', port: 'http', scheme: 'HTTP' }, timeoutSeconds: 1 },
            readinessProbe: { tcpSocket: { port: 80 } },
            securityContext: { privileged: false, runAsUser: 0 },
          },
        ],
        nodeSelector: { zone: 'x' },
      },
    },
    'dd665679d',
    '79664866cc',
  ],
];

test.each(TEMPLATES)('the hash of a template is upstream’s: %s', (_name, template, hash, afterThree) => {
  expect(templateHash(template as PodTemplateSpec, undefined)).toBe(hash);
  expect(templateHash(template as PodTemplateSpec, 3)).toBe(afterThree);
});

test('the data of a revision is hashed as Go’s encoder writes it: `&` and `<` are escaped', () => {
  const data = { spec: { template: { $patch: 'replace', metadata: { annotations: { note: 'a && b < c' } } } } };
  expect(hashOfData(data, 0)).toBe('68478995c4');
});
